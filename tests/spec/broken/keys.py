"""Keys that are missing, mistyped or elsewhere."""

from __future__ import annotations

from tests.spec.table import IN_LADDER, SITE, STREAMS, Case

CASES = (
    Case(
        "no site",
        STREAMS,
        "1:1 site: missing. Add 'site:' with its content indented below it.",
    ),
    Case(
        "no streams",
        SITE,
        "1:1 streams: missing. Add 'streams:' with its content indented below it.",
    ),
    Case(
        "site without content",
        "site:\n" + STREAMS,
        "1:1 site: has no content. Indent its content below it.",
    ),
    Case(
        "no public URL",
        "site:\n  time_zone: UTC\n" + STREAMS,
        "1:1 site.public_url: missing. Add 'public_url: https://live.example.org'.",
    ),
    Case(
        "a stream without a title",
        SITE + "streams:\n  - slug: demo\n",
        "4:5 streams[0].title: missing. Add 'title: Coffee & Stocks'.",
    ),
    Case(
        "streams without content",
        SITE + "streams:\n",
        "3:1 streams: has no content. Indent its content below it.",
    ),
    Case(
        "an empty list of streams",
        SITE + "streams: []\n",
        "3:10 streams: the list is empty. Add an item, starting with '- '; 1 or more items are allowed.",
    ),
    Case(
        "a mistyped required key is one fault",
        SITE + "streams:\n  - slug: demo\n    titel: Demo\n",
        "5:5 streams[0].titel: unknown key. Did you mean 'title'?",
    ),
    Case(
        "a mistyped optional key",
        SITE + "  timezone: UTC\n" + STREAMS,
        "3:3 site.timezone: unknown key. Did you mean 'time_zone'?",
    ),
    Case(
        "a key with hyphens",
        IN_LADDER + "    frame-rate: 25\n    gop_frames: 50\n",
        "8:5 ladders.default.frame-rate: unknown key. Did you mean 'frame_rate'?",
    ),
    Case(
        "a mistyped key of a rendition",
        IN_LADDER + "    renditions:\n      - name: 720p\n        height: 720\n        video_kpbs: 2000\n",
        "11:9 ladders.default.renditions[0].video_kpbs: unknown key. Did you mean 'video_kbps'?",
    ),
    Case(
        "two mistyped keys",
        IN_LADDER + "    renditions:\n      - name: 720p\n        heigth: 720\n        video_kbs: 2000\n",
        "10:9 ladders.default.renditions[0].heigth: unknown key. Did you mean 'height'?",
        "11:9 ladders.default.renditions[0].video_kbs: unknown key. Did you mean 'video_kbps'?",
    ),
    Case(
        "an unknown key",
        SITE + STREAMS + "retention:\n  colour: red\n",
        "7:3 retention.colour: unknown key. Known here: ended_window_hours.",
    ),
    Case(
        "a width",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000, width: 1280}\n",
        "9:53 ladders.default.renditions[0].width: unknown key. The width follows from the height: 16:9.",
    ),
    Case(
        "a stream key in the spec",
        SITE + "streams:\n  - {slug: demo, title: Demo, key: hunter2}\n",
        "4:31 streams[0].key: unknown key. A stream key is a secret and never in a spec; add one on the "
        "host with 'headend-key add SLUG'.",
    ),
    Case(
        "a key of another mapping",
        SITE + STREAMS + "rtmp_port: 1935\n",
        "6:1 rtmp_port: unknown key. It belongs under 'ingest'.",
    ),
)
