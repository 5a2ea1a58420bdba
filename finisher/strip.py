"""A strip of small pictures for whoever looks for a scene, and the index that says which is of when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from finisher import child, files, flv
from finisher.flv import VIDEO
from finisher.join import Join, Keyframe

WIDTH, HEIGHT = 160, 90
COLUMNS = 10
MOST = 100
LEAST_SECONDS = 2.0

SLACK_SECONDS = 0.05
"""Keyframes that are meant to be two seconds apart are a few milliseconds off."""


def choose(keyframes: Sequence[tuple[float, Keyframe]], seconds: float) -> list[tuple[float, Keyframe]]:
    """At most MOST of them, evenly, one in LEAST_SECONDS or longer."""
    every = max(LEAST_SECONDS, seconds / MOST)
    chosen: list[tuple[float, Keyframe]] = []
    due = -math.inf
    for time, keyframe in keyframes:
        if time >= due and len(chosen) < MOST:
            chosen.append((time, keyframe))
            # On the grid, so that keyframes that are a little off it do not make ever longer steps.
            due = (math.floor((time + SLACK_SECONDS) / every) + 1) * every - SLACK_SECONDS
    return chosen


def make(join: Join, seconds: float, picture: str, index: str) -> bool:
    """Make both under their unfinished names; False if there is no picture. Raises FaultError.

    Only the pictures that are shown are read and decoded: no other frame is touched.
    """
    chosen = choose(join.keyframes(), seconds)
    if not chosen:
        return False
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    frames = [keyframe for _, keyframe in chosen]
    argv = draw(columns, rows, files.new(picture))
    child.run(argv, "the strip", feed(join.survey.configurations[VIDEO], frames))
    files.write(index, webvtt([time for time, _ in chosen], seconds, picture))
    return True


def feed(configuration: bytes, frames: Sequence[Keyframe]) -> Iterator[bytes]:
    """An FLV of nothing but these keyframes, one each second."""
    yield flv.head(video=True, audio=False)
    yield flv.tag(VIDEO, 0, configuration)
    for number, keyframe in enumerate(frames):
        # Shown when it is decoded: nothing comes between.
        body = keyframe.body()
        yield flv.tag(VIDEO, number * 1000, body[:2] + bytes(3) + body[5:])


def draw(columns: int, rows: int, name: str) -> list[str]:
    """FFmpeg's arguments: every picture on standard input becomes a tile of one JPEG."""
    scale = f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease:out_range=pc"
    tiles = f"{scale},pad={WIDTH}:{HEIGHT}:-1:-1,setsar=1,format=yuv420p,tile={columns}x{rows}"
    return [
        *("ffmpeg", *child.QUIET, "-nostdin", "-nostats", "-y"),
        # A picture that cannot be decoded would move all that come after it.
        *("-xerror", "-err_detect", "explode"),
        *("-protocol_whitelist", "pipe", "-codec_whitelist", "h264", "-threads", "1"),
        *("-fpsprobesize", "0", "-f", "flv", "-i", "pipe:0", "-map", "0:v:0"),
        *("-vf", tiles, "-fps_mode", "passthrough", "-frames:v", "1", "-threads", "1"),
        *("-c:v", "mjpeg", "-q:v", "5", "-strict", "unofficial", "-color_range", "pc"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-f", "mjpeg", files.url(name)),
    ]


def webvtt(times: Sequence[float], seconds: float, picture: str) -> str:
    """The index: https://www.w3.org/TR/webvtt1/, with media fragments (https://www.w3.org/TR/media-frags/)."""
    # The first is there from the very beginning.
    starts = [0.0, *times[1:]]
    ends = [*times[1:], max(seconds, times[-1] + 0.001)]
    lines = ["WEBVTT", ""]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        row, column = divmod(number, COLUMNS)
        lines += [
            f"{stamp(start)} --> {stamp(end)}",
            f"{picture}#xywh={column * WIDTH},{row * HEIGHT},{WIDTH},{HEIGHT}",
            "",
        ]
    return "\n".join(lines)


def stamp(seconds: float) -> str:
    """00:00:02.000."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
