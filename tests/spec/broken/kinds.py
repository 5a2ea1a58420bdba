"""Values of the wrong kind."""

from __future__ import annotations

from tests.spec.table import IN_LADDER, SITE, STREAMS, Case

CASES = (
    Case(
        "a number in quotes",
        IN_LADDER + '    renditions:\n      - {name: 720p, height: "720", video_kbps: 2000}\n',
        "9:30 ladders.default.renditions[0].height: must be a whole number, not text in quotes. Write "
        "it without quotes: 720.",
    ),
    Case(
        "a number with a unit",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000k}\n",
        "9:47 ladders.default.renditions[0].video_kbps: must be a whole number, not the text '2000k'. "
        "Write the number alone; use 100 to 50000 kbit/s; for example 2000.",
    ),
    Case(
        "a bit rate in megabits",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2.5M}\n",
        "9:47 ladders.default.renditions[0].video_kbps: must be a whole number, not the text '2.5M'. "
        "Use 100 to 50000 kbit/s; for example 2000.",
    ),
    Case(
        "a broken frame rate",
        IN_LADDER + "    frame_rate: 29.97\n",
        "8:17 ladders.default.frame_rate: must be a whole number, not the number 29.97. Use 10 to 60 "
        "frames per second; for example 30.",
    ),
    Case(
        "a ratio as frame rate",
        IN_LADDER + "    frame_rate: 30000/1001\n",
        "8:17 ladders.default.frame_rate: must be a whole number, not the text '30000/1001'. Write the "
        "number alone; use 10 to 60 frames per second; for example 30.",
    ),
    Case(
        "a truth value as number",
        IN_LADDER + "    segment_seconds: true\n",
        "8:22 ladders.default.segment_seconds: must be a whole number, not the truth value true. Use 1 "
        "to 10 seconds; for example 2.",
    ),
    Case(
        "a list as number",
        IN_LADDER + "    segment_seconds: [2]\n",
        "8:22 ladders.default.segment_seconds: must be a whole number, not a list. Use 1 to 10 seconds; for example 2.",
    ),
    Case(
        "a number as title",
        SITE + "streams:\n  - slug: demo\n    title: 2024\n",
        '5:12 streams[0].title: must be text, not the number 2024. Put it in quotes: "2024".',
    ),
    Case(
        "a truth value as title",
        SITE + "streams:\n  - slug: demo\n    title: true\n",
        '5:12 streams[0].title: must be text, not the truth value true. Put it in quotes: "true".',
    ),
    Case(
        "nothing as title",
        SITE + "streams:\n  - slug: demo\n    title:\n",
        "5:5 streams[0].title: has no value. Use 1 to 120 characters; for example Coffee & Stocks.",
    ),
    Case(
        "nothing as number with a default",
        IN_LADDER + "    frame_rate:\n",
        "8:5 ladders.default.frame_rate: has no value. Use 10 to 60 frames per second; for example 30; "
        "or remove the line for the default 30.",
    ),
    Case(
        "a number as slug",
        SITE + "streams:\n  - slug: 0123\n    title: Demo\n",
        '4:11 streams[0].slug: must be text, not the number 0123. Put it in quotes: "0123".',
    ),
    Case(
        "a mapping as streams",
        SITE + "streams:\n  demo:\n    title: Demo\n",
        "4:3 streams: must be a list, not a mapping. Start each item on a line of its own with '- '.",
    ),
    Case(
        "text as a stream",
        SITE + "streams:\n  - demo\n",
        "4:5 streams[0]: must be a mapping, not the text 'demo'. Write 'key: value' lines, indented below it.",
    ),
    Case(
        "text as ladders",
        SITE + STREAMS + "ladders: default\n",
        "6:10 ladders: must be a mapping, not the text 'default'. Write 'key: value' lines, indented below it.",
    ),
    Case(
        "a list as ladders",
        SITE + STREAMS + "ladders:\n  - default\n",
        "7:3 ladders: must be a mapping, not a list. Write 'key: value' lines, indented below it.",
    ),
    Case(
        "a network instead of a list",
        SITE + STREAMS + "ingest:\n  allow_publish: 10.0.0.0/8\n",
        "7:18 ingest.allow_publish: must be a list, not the text '10.0.0.0/8'. Start each item on a "
        "line of its own with '- '.",
    ),
    Case(
        "a rendition as source list",
        IN_LADDER + "    source:\n      - height: 1080\n",
        "9:7 ladders.default.source: must be a mapping, not a list. Write 'key: value' lines, indented below it.",
    ),
    Case(
        "retention without content",
        SITE + STREAMS + "retention:\n",
        "6:1 retention: has no content. Indent its content below it, or remove the key.",
    ),
)
