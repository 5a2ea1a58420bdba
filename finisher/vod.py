"""The ladder's own segments as HLS: playlists that name them by byte ranges of one file each (RFC 8216 4.3.2.2).

The archiver has put the segments there while they were live (hooks_app/archive/ladder.py has the form of its lines).
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass

from finisher import files, job
from finisher.fault import FaultError

MASTER = "ladder.m3u8"
MAX_TEXT_BYTES = 16 * 1024 * 1024

_SOURCE = "ladder.master"
_RENDITION = re.compile(r"([a-z0-9][a-z0-9-]{0,19})/index\.m3u8", re.ASCII)
_LINE = re.compile(
    r"(?P<offset>\d{1,15}) (?P<bytes>\d{1,10}) (?P<seconds>\d{1,5}(?:\.\d{1,9})?) (?P<date>[0-9T:.+Z-]{19,40}) "
    r"(?P<mark>[D-]) [A-Za-z0-9][A-Za-z0-9._-]{0,119}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a rendition's file."""

    offset: int
    bytes: int
    seconds: str
    date: str
    discontinuity: bool


def make() -> tuple[str, ...]:
    """Write the playlists; the names of all files of it, the master playlist first. Raises FaultError."""
    found: dict[str, list[Segment]] = {}
    master = _text(_SOURCE)
    for line in master.splitlines():
        if (match := _RENDITION.fullmatch(line)) and (segments := _segments(match[1])):
            found[match[1]] = segments
    if not found:
        raise FaultError("no segment of the ladder was kept")
    for rendition, segments in found.items():
        files.write(f"ladder-{rendition}.m3u8", _playlist(f"ladder-{rendition}.ts", segments))
    files.write(MASTER, _master(master, set(found)))
    return (MASTER, *(f"ladder-{rendition}.{end}" for rendition in found for end in ("m3u8", "ts")))


def _segments(rendition: str) -> list[Segment]:
    """Those whose bytes are there."""
    try:
        size = os.stat(f"ladder-{rendition}.ts", follow_symlinks=False).st_size
        lines = _text(f"ladder-{rendition}.txt").splitlines()
    except (FileNotFoundError, FaultError):
        return []
    found = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or int(match["offset"]) + int(match["bytes"]) > size:
            break
        if int(match["bytes"]):
            mark = match["mark"] == "D"
            found.append(Segment(int(match["offset"]), int(match["bytes"]), match["seconds"], match["date"], mark))
    return found


def _playlist(media: str, segments: list[Segment]) -> str:
    longest = max(float(one.seconds) for one in segments)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest))}"]
    lines += ["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD"]
    for number, one in enumerate(segments):
        lines += ["#EXT-X-DISCONTINUITY"] if one.discontinuity and number else []
        lines += [f"#EXTINF:{one.seconds},", f"#EXT-X-PROGRAM-DATE-TIME:{one.date}"]
        lines += [f"#EXT-X-BYTERANGE:{one.bytes}@{one.offset}", media]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _master(live: str, renditions: set[str]) -> str:
    """The live one, with the names that the playlists have here; a rendition that is not here is left out."""
    lines: list[str] = []
    for line in live.splitlines():
        match = _RENDITION.fullmatch(line)
        if match is None:
            lines.append(line)
        elif match[1] in renditions:
            lines.append(f"ladder-{match[1]}.m3u8")
        elif lines and lines[-1].startswith("#EXT-X-STREAM-INF:"):
            lines.pop()
    return "\n".join([*lines, ""])


def _text(name: str) -> str:
    with open(job.open_part(name), "rb") as file:
        return file.read(MAX_TEXT_BYTES).decode("ascii", "replace")
