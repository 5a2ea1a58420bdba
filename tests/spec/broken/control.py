"""What the control app is told: owners, takeover, grace and events."""

from __future__ import annotations

from tests.spec.table import IN_LADDER, SITE, STREAMS, Case

CASES = (
    Case(
        "an owner with capitals",
        SITE + "streams:\n  - {slug: demo, title: Demo, owner: Marketing Team}\n",
        "4:38 streams[0].owner: 'Marketing Team' does not fit. Did you mean 'marketing-team'? Use 1 to 40 of a-z, 0-9 "
        "and -, starting with a letter or digit; for example marketing.",
    ),
    Case(
        "a list of owners",
        SITE + "streams:\n  - {slug: demo, title: Demo, owner: [a, b]}\n",
        "4:38 streams[0].owner: must be text, not a list. Write, for example, marketing.",
    ),
    Case(
        "a takeover that does not exist",
        SITE + "streams:\n  - {slug: demo, title: Demo, takeover: replace}\n",
        "4:41 streams[0].takeover: 'replace' is not a choice. Choose refuse or replace_silent.",
    ),
    Case(
        "a grace of a day",
        IN_LADDER + "    reconnect_grace_seconds: 86400\n",
        "8:30 ladders.default.reconnect_grace_seconds: 86400 is too high. Use 0 to 600 seconds; for example 30.",
    ),
    Case(
        "a grace below zero",
        IN_LADDER + "    reconnect_grace_seconds: -1\n",
        "8:30 ladders.default.reconnect_grace_seconds: -1 is too low. Use 0 to 600 seconds; for example 30.",
    ),
    Case(
        "a grace with its unit",
        IN_LADDER + "    reconnect_grace_seconds: 30s\n",
        "8:30 ladders.default.reconnect_grace_seconds: must be a whole number, not the text '30s'. Write the number "
        "alone; use 0 to 600 seconds; for example 30.",
    ),
    Case(
        "the grace on a stream",
        SITE + "streams:\n  - {slug: demo, title: Demo, reconnect_grace_seconds: 30}\n",
        "4:31 streams[0].reconnect_grace_seconds: unknown key. It belongs under 'ladders.<name>'.",
    ),
    Case(
        "ad hoc events in words",
        SITE + STREAMS + "events:\n  ad_hoc: 'no'\n",
        "7:11 events.ad_hoc: must be true or false, not the text 'no'. Write it without quotes: true or false.",
    ),
    Case(
        "a lead of two days",
        SITE + STREAMS + "events:\n  publish_lead_minutes: 2880\n",
        "7:25 events.publish_lead_minutes: 2880 is too high. Use 0 to 1440 minutes; for example 15.",
    ),
    Case(
        "a lead in seconds",
        SITE + STREAMS + "events:\n  publish_lead_seconds: 900\n",
        "7:3 events.publish_lead_seconds: unknown key. Did you mean 'publish_lead_minutes'?",
    ),
    Case(
        "events without content",
        SITE + STREAMS + "events:\n",
        "6:1 events: has no content. Indent its content below it, or remove the key.",
    ),
    Case(
        "a list of events",
        SITE + STREAMS + "events:\n  - title: Launch\n",
        "7:3 events: must be a mapping, not a list. Write 'key: value' lines, indented below it.",
    ),
)
