"""How an encoder gets on, as FFmpeg's -progress says once a second: <media_root>/hls/<slug>/progress (run.j2).

The file holds one block of key=value lines that ends with `progress=…`. The encoder's user writes it, so nothing of it
is believed but numbers. FFmpeg's own `speed` and `fps` are averages over its whole run, which hide what has gone wrong
since the first hour: here they are what its counters did of late.
"""

from __future__ import annotations

import math
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 8192
STALE_SECONDS: Final = 5.0
"""An encoder that has said nothing for so long has stopped, or waits for its publisher."""
WINDOW_SECONDS: Final = 30.0
"""Over which speed and frame rate are counted: a GOP or a hiccup of the network does not show, falling behind does."""
SHORTEST_SECONDS: Final = 5.0
"""Less than this of a run says nothing about its speed."""
LOOK_SECONDS: Final = 2.0
_LARGEST: Final = 1e15
"""Microseconds of thirty years."""
_WHOLE: Final = frozenset({"progress=continue", "progress=end"})
"""Last line of a block that is not half written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The counters of one block; all of them since this run of the encoder began."""

    out_seconds: float
    """Media that is written."""
    frames: int
    """Encoded, of one rendition."""
    dropped_frames: int
    duplicated_frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an encoder gets on."""

    fps: float | None
    """Frames encoded a second of late, of one rendition; None in the first seconds of a run."""
    speed: float | None
    """Media seconds a second of late; 1 keeps up. None likewise."""
    dropped_frames: int
    """Since this run of the encoder began."""
    duplicated_frames: int
    """Likewise."""
    age_seconds: float
    """Since it was written."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    """By the monotonic clock of who looked."""
    written_ns: int
    """The file's own time: the same file is one sample, however often it is read."""
    block: Block


class EncoderProgress:
    """Reads the files, and remembers what they said within the window."""

    def __init__(self, media_root: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._hls = Path(media_root) / "hls"
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._windows: dict[str, deque[_Sample]] = {}

    def look(self, slugs: Collection[str]) -> float:
        """Take note of every encoder; returns the seconds until the next look."""
        for slug in slugs:
            self.of(slug)
        with self._guard:
            for slug in self._windows.keys() - set(slugs):
                del self._windows[slug]
        return LOOK_SECONDS

    def of(self, slug: str) -> Progress | None:
        """How a stream's encoder gets on; None where it said nothing lately, or nothing that can be read."""
        found = self._read(slug)
        if found is None:
            return None
        block, written_ns, age = found
        with self._guard:
            window = self._windows.setdefault(slug, deque())
            _add(window, _Sample(self._monotonic() - age, written_ns, block))
            first, last = window[0], window[-1]
        seconds = last.at - first.at
        is_long = seconds >= SHORTEST_SECONDS
        return Progress(
            fps=round((last.block.frames - first.block.frames) / seconds, 3) if is_long else None,
            speed=round((last.block.out_seconds - first.block.out_seconds) / seconds, 3) if is_long else None,
            dropped_frames=block.dropped_frames,
            duplicated_frames=block.duplicated_frames,
            age_seconds=age,
        )

    def _read(self, slug: str) -> tuple[Block, int, float] | None:
        try:
            descriptor = os.open(
                self._hls / slug / "progress", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            )
        except OSError:
            return None
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return None
            content = file.read(FILE_BYTES)
        age = max(0.0, time.time() - about.st_mtime)
        block = parse(content) if age < STALE_SECONDS else None
        return (block, about.st_mtime_ns, age) if block is not None else None


def _add(window: deque[_Sample], new: _Sample) -> None:
    """One more sample; what is older than the window goes, and all of it where another run has begun."""
    if window:
        last = window[-1]
        if new.written_ns == last.written_ns or new.at <= last.at:
            return
        is_other_run = new.block.out_seconds < last.block.out_seconds or new.block.frames < last.block.frames
        if is_other_run or new.at - last.at > WINDOW_SECONDS:
            window.clear()
    window.append(new)
    while len(window) > 2 and window[1].at <= new.at - WINDOW_SECONDS:
        window.popleft()


def parse(content: bytes) -> Block | None:
    """A block; None for one that is half written or none."""
    lines = content.decode("ascii", "replace").splitlines()
    if not lines or lines[-1] not in _WHOLE:
        return None
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    out, frames = _number(values.get("out_time_us")), _number(values.get("frame"))
    dropped, duplicated = _number(values.get("drop_frames")), _number(values.get("dup_frames"))
    if out is None or frames is None or dropped is None or duplicated is None:
        return None
    return Block(
        out_seconds=out / 1e6, frames=int(frames), dropped_frames=int(dropped), duplicated_frames=int(duplicated)
    )


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip())
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number < _LARGEST else None
