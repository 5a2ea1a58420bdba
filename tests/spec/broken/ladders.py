"""Rules between values."""

from __future__ import annotations

from tests.spec.table import IN_LADDER, SITE, STREAMS, Case

CASES = (
    Case(
        "a ladder that does not exist",
        SITE + "streams:\n  - {slug: demo, title: Demo, ladder: defualt}\n",
        "4:39 streams[0].ladder: there is no ladder 'defualt'. Did you mean 'default'?",
    ),
    Case(
        "a ladder nothing like those here",
        SITE + "streams:\n  - {slug: demo, title: Demo, ladder: x}\nladders:\n  hd: {}\n  sd: {}\n",
        "4:39 streams[0].ladder: there is no ladder 'x'. Ladders here: hd, sd.",
    ),
    Case(
        "no ladder at all",
        SITE + STREAMS + "ladders: {}\n",
        "4:5 streams[0].ladder: there is no ladder 'default'. Ladders here: none.",
    ),
    Case(
        "a slug twice",
        SITE + "streams:\n  - {slug: demo, title: Demo}\n  - {slug: demo, title: Other}\n",
        "5:12 streams[1].slug: 'demo' is already the slug of the stream in line 4. Give each stream its own slug.",
    ),
    Case(
        "a GOP that does not fit",
        IN_LADDER + "    gop_frames: 48\n",
        "8:17 ladders.default.gop_frames: a segment of 2 s at 30 frames per second has 60 frames, not a "
        "whole number of GOPs of 48. Use 60, 30 or 20.",
    ),
    Case(
        "a frame rate that the GOP does not fit",
        IN_LADDER + "    frame_rate: 25\n",
        "7:3 ladders.default.gop_frames: a segment of 2 s at 25 frames per second has 50 frames, not a "
        "whole number of GOPs of 60. Use 50, 25 or 10.",
    ),
    Case(
        "a GOP longer than a segment",
        IN_LADDER + "    gop_frames: 120\n",
        "8:17 ladders.default.gop_frames: a segment of 2 s at 30 frames per second has 60 frames, not a "
        "whole number of GOPs of 120. Use 60, 30 or 20.",
    ),
    Case(
        "a long first segment",
        IN_LADDER + "    first_segment_seconds: 4\n",
        "8:28 ladders.default.first_segment_seconds: the first segment of 4 s is longer than a segment "
        "of 2 s. Use 2 or less.",
    ),
    Case(
        "a short first segment among segments of two GOPs",
        IN_LADDER + "    first_segment_seconds: 1\n    gop_frames: 30\n",
        "8:28 ladders.default.first_segment_seconds: a first segment of 1 s is shorter than the others, which works "
        "only when each of them is one GOP. Use 2, or set gop_frames to 60.",
    ),
    Case(
        "a window of two segments",
        IN_LADDER + "    segment_seconds: 4\n    window_seconds: 8\n    gop_frames: 120\n",
        "9:21 ladders.default.window_seconds: a window of 8 s holds fewer than 3 segments of 4 s. Use 12 or more.",
    ),
    Case(
        "a window of half segments",
        IN_LADDER + "    segment_seconds: 4\n    window_seconds: 30\n    gop_frames: 120\n",
        "9:21 ladders.default.window_seconds: a window of 30 s is not a whole number of segments of 4 s. Use 28 or 32.",
    ),
    Case(
        "ascending renditions",
        IN_LADDER + "    renditions:\n      - {name: 480p, height: 480, video_kbps: 1000}\n"
        "      - {name: 720p, height: 720, video_kbps: 2000}\n",
        "10:30 ladders.default.renditions[1].height: 720 is not below the 480 pixels of '480p' above "
        "it. Order renditions from the highest to the lowest; here use less than 480.",
        "10:47 ladders.default.renditions[1].video_kbps: 2000 is not below the 1000 kbit/s of '480p' "
        "above it. Order renditions from the highest to the lowest; here use less than 1000.",
    ),
    Case(
        "equal bit rates",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000}\n"
        "      - {name: 480p, height: 480, video_kbps: 2000}\n",
        "10:47 ladders.default.renditions[1].video_kbps: 2000 is not below the 2000 kbit/s of '720p' "
        "above it. Order renditions from the highest to the lowest; here use less than 2000.",
    ),
    Case(
        "a source below the first rendition",
        IN_LADDER + "    source:\n      height: 720\n      video_kbps: 3000\n",
        "7:3 ladders.default.renditions[0].height: 1080 is not below the 720 pixels of 'source' above "
        "it. Order renditions from the highest to the lowest; here use less than 720.",
        "7:3 ladders.default.renditions[0].video_kbps: 3500 is not below the 3000 kbit/s of 'source' "
        "above it. Order renditions from the highest to the lowest; here use less than 3000.",
    ),
    Case(
        "a name twice",
        IN_LADDER + "    renditions:\n      - {name: hd, height: 720, video_kbps: 2000}\n"
        "      - {name: hd, height: 480, video_kbps: 1000}\n",
        "10:16 ladders.default.renditions[1].name: 'hd' is already the name of the rendition in line 9. "
        "Give each rendition its own name.",
    ),
    Case(
        "too few bits per pixel",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 200}\n",
        "9:47 ladders.default.renditions[0].video_kbps: 200 kbit/s is 0.007 bit per pixel at 1280x720 "
        "and 30 frames per second, too few to be meant. Use 560 to 13830; 2220 is usual.",
    ),
    Case(
        "too many bits per pixel",
        IN_LADDER + "    renditions:\n      - {name: 360p, height: 360, video_kbps: 20000}\n",
        "9:47 ladders.default.renditions[0].video_kbps: 20000 kbit/s is 2.894 bit per pixel at 640x360 "
        "and 30 frames per second, too many to be meant. Use 140 to 3460; 560 is usual.",
    ),
    Case(
        "a preset that cannot keep the profile",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000, preset: ultrafast}\n",
        "9:61 ladders.default.renditions[0].preset: preset ultrafast cannot encode profile high: "
        "libx264 writes Constrained Baseline. Use profile baseline, or preset superfast.",
    ),
    Case(
        "a profile that the preset cannot keep",
        IN_LADDER + "    renditions:\n"
        "      - {name: 720p, height: 720, video_kbps: 2000, preset: ultrafast, profile: main}\n",
        "9:81 ladders.default.renditions[0].profile: preset ultrafast cannot encode profile main: "
        "libx264 writes Constrained Baseline. Use profile baseline, or preset superfast.",
    ),
    Case(
        "everything at once, sorted by line",
        "site:\n  public_url: live.example.org\n  timezone: UTC\nladders:\n  default:\n"
        "    gop_frames: 50\n    renditions:\n"
        "      - {name: 720p, height: 720, video_kbps: fast}\n"
        "      - {name: 480p, height: 480, video_kbps: 1000}\n"
        "      - {name: 480p, height: 240, video_kbps: 500}\nstreams:\n  - slug: demo\n"
        "  - {slug: other, title: Other, ladder: lo}\n",
        "2:15 site.public_url: a public URL starts with https:// or http://. Write https://live.example.org.",
        "3:3 site.timezone: unknown key. Did you mean 'time_zone'?",
        "6:17 ladders.default.gop_frames: a segment of 2 s at 30 frames per second has 60 frames, not a "
        "whole number of GOPs of 50. Use 60, 30 or 20.",
        "8:47 ladders.default.renditions[0].video_kbps: must be a whole number, not the text 'fast'. "
        "Use 100 to 50000 kbit/s; for example 2000.",
        "10:16 ladders.default.renditions[2].name: '480p' is already the name of the rendition in line "
        "9. Give each rendition its own name.",
        "12:5 streams[0].title: missing. Add 'title: Coffee & Stocks'.",
        "13:41 streams[1].ladder: there is no ladder 'lo'. Ladders here: default.",
    ),
    Case(
        "a key one level too high",
        IN_LADDER + "    renditions:\n      - {name: 720p, height: 720, video_kbps: 2000, frame_rate: 30}\n",
        "9:53 ladders.default.renditions[0].frame_rate: unknown key. It belongs under 'ladders.<name>'.",
    ),
    Case(
        "an empty item",
        SITE + "streams:\n  -\n  - slug: demo\n    title: Demo\n",
        "4:4 streams[0]: has no content. Indent its content below it.",
    ),
    Case(
        "an IPv6 host",
        SITE + STREAMS + "ingest:\n  allow_publish: ['2001:db8::1', '2001:db8::1/64']\n",
        "7:19 ingest.allow_publish[0]: 2001:db8::1 has no prefix length. For this one address write 2001:db8::1/128.",
        "7:34 ingest.allow_publish[1]: 2001:db8::1/64 is not the start of its network. Write 2001:db8::/64.",
    ),
    Case(
        "a source without numbers",
        IN_LADDER + "    source: {}\n",
        "8:5 ladders.default.source.height: missing. Add 'height: 1080'.",
        "8:5 ladders.default.source.video_kbps: missing. Add 'video_kbps: 6000'.",
    ),
    Case(
        "an alias points at its anchor",
        IN_LADDER + "    renditions: &r\n      - {name: 720p, height: 721, video_kbps: 2000}\n  other:\n"
        "    renditions: *r\n",
        "9:30 ladders.default.renditions[0].height: 721 is not a multiple of 2. Use 720 or 722.",
        "9:30 ladders.other.renditions[0].height: 721 is not a multiple of 2. Use 720 or 722.",
    ),
)
