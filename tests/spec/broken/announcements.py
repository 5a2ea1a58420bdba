"""Destinations that lack what their kind needs, or name what is not there."""

from __future__ import annotations

from tests.spec.table import SITE, STREAMS, Case

HEAD = SITE + STREAMS
PLACES = HEAD + "announcements:\n  destinations:\n"
LINE = HEAD.count("\n")
PATH = "announcements.destinations[0]"


def place(*lines: str) -> str:
    """A spec with one destination."""
    first, *rest = lines
    return PLACES + f"    - {first}\n" + "".join(f"      {line}\n" for line in rest)


CASES = (
    Case(
        "a discord without a secret",
        place("name: chat", "kind: discord", "title: Chat"),
        f"{LINE + 3}:7 {PATH}: a destination of kind discord needs secret: the name of the credential that holds its "
        "webhook URL. Add 'secret:'.",
    ),
    Case(
        "a webhook URL as the secret",
        place("name: chat", "kind: discord", "title: Chat", "secret: https://discord.com/api/webhooks/1/TOKEN"),
        f"{LINE + 6}:15 {PATH}.secret: not the name of a credential (a-z, 0-9 and -). The secret itself stays out of "
        "the spec; write the name of its credential, for example discord-main.",
    ),
    Case(
        "a webhook without a URL",
        place("name: site", "kind: webhook", "title: Site", "secret: site"),
        f"{LINE + 3}:7 {PATH}: a destination of kind webhook needs url. Add 'url:'.",
    ),
    Case(
        "a kind that is not",
        place("name: site", "kind: slack", "title: Site", "secret: site"),
        f"{LINE + 4}:13 {PATH}.kind: 'slack' is not a choice. Choose discord, webhook, email or apprise.",
    ),
    Case(
        "a URL of a discord",
        place("name: chat", "kind: discord", "title: Chat", "secret: chat", "url: https://example.org/x"),
        f"{LINE + 7}:7 {PATH}.url: only a destination of kind webhook has url. Remove it, or use kind webhook.",
    ),
    Case(
        "a stream that is not",
        place("name: chat", "kind: discord", "title: Chat", "secret: chat", "streams: [dmo]"),
        f"{LINE + 7}:17 {PATH}.streams[0]: there is no stream 'dmo'. Did you mean 'demo'?",
    ),
    Case(
        "a zone that is not",
        place("name: chat", "kind: discord", "title: Chat", "secret: chat", "quiet_hours: {time_zone: Europe/Berln}"),
        f"{LINE + 7}:32 {PATH}.quiet_hours.time_zone: 'Europe/Berln' is not a time zone. Did you mean 'Europe/Berlin'?",
    ),
    Case(
        "a time that is not",
        place("name: chat", "kind: discord", "title: Chat", "secret: chat", 'quiet_hours: {start: "25:00"}'),
        f"{LINE + 7}:28 {PATH}.quiet_hours.start: '25:00' is not a time of day. Write hours and minutes in quotes; "
        'for example "22:00".',
    ),
    Case(
        "a bot with nothing to do",
        place("name: chat", "kind: discord", "title: Chat", "secret: chat", "bot_secret: bot"),
        f"{LINE + 7}:19 {PATH}.bot_secret: a bot without a server or a stage has nothing to do. Add guild_id or "
        "stage_channel_id, or remove it.",
    ),
    Case(
        "a network that is not",
        HEAD + "announcements:\n  outbound:\n    allow: [10.0.0.1/8]\n",
        f"{LINE + 3}:13 announcements.outbound.allow[0]: 10.0.0.1/8 is not the start of its network. Write 10.0.0.0/8.",
    ),
    Case(
        "an occasion that is not",
        place("name: chat", "kind: discord", "title: Chat", "secret: chat", "occasions: [lives]"),
        f"{LINE + 7}:19 {PATH}.occasions[0]: 'lives' is not a choice. Did you mean 'live'? Choose scheduled, moved, "
        "cancelled, countdown, live, interrupted, resumed, ended or recap.",
    ),
)
