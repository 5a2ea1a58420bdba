"""What encoded segments really are: read back with ffprobe and from the H.264 stream itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SPS = 7
"""nal_unit_type of a sequence parameter set (H.264 table 7-1)."""


def probe(path: Path, *options: str) -> dict[str, Any]:
    """ffprobe's answer about a file."""
    argv = ["ffprobe", "-v", "error", "-of", "json", *options, str(path)]
    answer: dict[str, Any] = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    return answer


def streams(path: Path) -> dict[str, dict[str, Any]]:
    """The streams of a file by kind: video, audio."""
    return {stream["codec_type"]: stream for stream in probe(path, "-show_streams")["streams"]}


def avc_name(path: Path) -> str:
    """The RFC 6381 name of a segment's video, out of its sequence parameter set. Example: avc1.64001F."""
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "h264", "-"]
    data = subprocess.run(argv, capture_output=True, check=True).stdout
    for unit in data.split(b"\x00\x00\x01")[1:]:
        if unit[0] & 0x1F == SPS:
            return f"avc1.{unit[1:4].hex().upper()}"
    raise AssertionError(f"{path} has no sequence parameter set")


def keyframe_times(path: Path) -> list[float]:
    """When the keyframes of a segment are shown, in seconds of its own clock."""
    packets = probe(path, "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags")["packets"]
    return [float(packet["pts_time"]) for packet in packets if packet["flags"].startswith("K")]


def frames(paths: Sequence[Path]) -> list[int]:
    """How many pictures each segment decodes to."""
    counts = []
    for path in paths:
        answer = probe(path, "-select_streams", "v:0", "-count_frames", "-show_entries", "stream=nb_read_frames")
        counts.append(int(answer["streams"][0]["nb_read_frames"]))
    return counts
