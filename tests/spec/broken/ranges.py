"""Numbers, lists and texts outside their range."""

from __future__ import annotations

from tests.spec.table import IN_LADDER, SITE, STREAMS, Case

CASES = (
    Case(
        "a port below 1024",
        SITE + STREAMS + "ingest:\n  rtmp_port: 935\n",
        "7:14 ingest.rtmp_port: 935 is too low. Use 1024 to 65535; for example 1935.",
    ),
    Case(
        "a port above 65535",
        SITE + STREAMS + "ingest:\n  rtmp_port: 65536\n",
        "7:14 ingest.rtmp_port: 65536 is too high. Use 1024 to 65535; for example 1935.",
    ),
    Case(
        "a bit rate in bit/s",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000000}\n",
        "9:47 ladders.default.renditions[0].video_kbps: 2000000 is too high. Use 100 to 50000 kbit/s; "
        "for example 2000.",
    ),
    Case(
        "an odd height",
        IN_LADDER + "    renditions:\n      - {name: 721p, height: 721, video_kbps: 2000}\n",
        "9:30 ladders.default.renditions[0].height: 721 is not a multiple of 2. Use 720 or 722.",
    ),
    Case(
        "a huge number",
        IN_LADDER + "    frame_rate: 999999999999999999999999999999\n",
        "8:17 ladders.default.frame_rate: 999999999999999999999999999999 is too high. Use 10 to 60 "
        "frames per second; for example 30.",
    ),
    Case(
        "a negative number",
        IN_LADDER + "    poster_seconds: -1\n",
        "8:21 ladders.default.poster_seconds: -1 is too low. Use 1 to 300 seconds; for example 10.",
    ),
    Case(
        "a window of weeks",
        IN_LADDER + "    window_seconds: 604800\n",
        "8:21 ladders.default.window_seconds: 604800 is too high. Use 6 to 14400 seconds; for example 24.",
    ),
    Case(
        "no renditions",
        IN_LADDER + "    renditions: []\n",
        "8:17 ladders.default.renditions: the list is empty. Add an item, starting with '- '; 1 to 8 "
        "items are allowed.",
    ),
    Case(
        "nine renditions",
        IN_LADDER + "    renditions:\n      - {name: r0, height: 2000, video_kbps: 9000}\n"
        "      - {name: r1, height: 1800, video_kbps: 8100}\n"
        "      - {name: r2, height: 1600, video_kbps: 7200}\n"
        "      - {name: r3, height: 1400, video_kbps: 6300}\n"
        "      - {name: r4, height: 1200, video_kbps: 5400}\n"
        "      - {name: r5, height: 1000, video_kbps: 4500}\n"
        "      - {name: r6, height: 800, video_kbps: 3600}\n"
        "      - {name: r7, height: 600, video_kbps: 2700}\n"
        "      - {name: r8, height: 400, video_kbps: 1800}\n",
        "9:7 ladders.default.renditions: 9 items are too many. Use at most 8.",
    ),
    Case(
        "a long title",
        SITE + "streams:\n  - slug: demo\n    title: " + "x" * 121 + "\n",
        "5:12 streams[0].title: 121 characters are too many. Use 1 to 120 characters; for example Coffee & Stocks.",
    ),
    Case(
        "an empty title",
        SITE + 'streams:\n  - slug: demo\n    title: ""\n',
        "5:12 streams[0].title: the text is empty. Use 1 to 120 characters; for example Coffee & Stocks.",
    ),
)
