"""The one file that plays: MP4, with its index first, so that a browser begins before it has all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from finisher import child, files
from finisher.fault import FaultError
from finisher.flv import AUDIO, VIDEO
from finisher.join import Join
from finisher.survey import WHAT

TOLERANCE_SECONDS = 0.1
"""So much may a track's length be off, for each joint and for its end."""

_KINDS = {VIDEO: "video", AUDIO: "audio"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What ffprobe says."""

    seconds: float
    streams: dict[str, dict[str, Any]]
    """By kind: video, audio."""

    def codecs(self) -> dict[str, object]:
        """As they stand in the result; a track that is not there is None."""
        video, audio = self.streams.get("video"), self.streams.get("audio")
        return {
            "video": video["codec_name"] if video else None,
            "profile": video.get("profile") if video else None,
            "width": video["width"] if video else None,
            "height": video["height"] if video else None,
            "frame_rate": _ratio(video["avg_frame_rate"]) if video else None,
            "audio": audio["codec_name"] if audio else None,
            "channels": audio["channels"] if audio else None,
            "sample_rate_hz": int(audio["sample_rate"]) if audio else None,
        }


def remux(name: str) -> list[str]:
    """FFmpeg's arguments: FLV on standard input becomes the MP4 `name`, and nothing is encoded."""
    return [
        *("ffmpeg", *child.QUIET, "-nostdin", "-nostats", "-y"),
        # What a publisher sent opens nothing, and no other decoder looks at it.
        *("-protocol_whitelist", "pipe", "-codec_whitelist", "h264,aac", "-threads", "1"),
        # Copying needs no measured frame rate.
        *("-fpsprobesize", "0", "-f", "flv", "-i", "pipe:0"),
        *("-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy", "-map_metadata", "-1"),
        # Bit-exact: the same parts make the same file, whichever run it was.
        *("-fflags", "+bitexact", "-movflags", "+faststart", "-f", "mp4", files.url(name)),
    ]


def make(join: Join, name: str) -> Facts:
    """Make the MP4 under its unfinished name, and check it. Raises FaultError."""
    try:
        child.run(remux(files.new(name)), "the remux", join.flv())
        facts = probe(files.new(name))
        for fault in faults(join, facts):
            raise FaultError(fault)
    except FaultError:
        # FFmpeg says little about a disk that filled meanwhile, and nothing of it in its status.
        files.need(0)
        raise
    return facts


def probe(name: str) -> Facts:
    """What is in an MP4 of this folder; every packet is read. Raises FaultError."""
    entries = (
        "format=duration:stream=codec_type,codec_name,profile,width,height,avg_frame_rate,channels,sample_rate,"
        "duration,nb_read_packets"
    )
    argv = ["ffprobe", *child.QUIET, "-protocol_whitelist", "file", "-f", "mov", "-count_packets"]
    document = json.loads(child.run([*argv, "-show_entries", entries, "-of", "json", files.url(name)], "ffprobe"))
    streams = {stream["codec_type"]: stream for stream in document.get("streams", [])}
    return Facts(float(document.get("format", {}).get("duration", 0)), streams)


def faults(join: Join, facts: Facts) -> Iterator[str]:
    """Whether the file is less than its parts."""
    tolerance = TOLERANCE_SECONDS * len(join.survey.parts)
    for kind, name in _KINDS.items():
        stream = facts.streams.get(name, {})
        packets, wanted = int(stream.get("nb_read_packets", 0)), join.survey.packets(kind)
        if packets != wanted:
            yield f"the MP4 has {packets} frames of {WHAT[kind]}, its parts have {wanted}"
        seconds, wanted_seconds = float(stream.get("duration", 0)), join.seconds(kind)
        if abs(seconds - wanted_seconds) > tolerance:
            yield f"the {WHAT[kind]} of the MP4 lasts {seconds:.3f} s, in its parts {wanted_seconds:.3f} s"


def _ratio(text: str) -> float:
    over, _, under = text.partition("/")
    return round(int(over) / int(under), 3) if under and int(under) else 0.0
