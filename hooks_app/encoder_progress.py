"""How an encoder gets on, as FFmpeg's -progress says once a second: <media_root>/hls/<slug>/progress (run.j2).

The file holds one block of key=value lines that ends with `progress=…`. The encoder's user writes it, so nothing of it
is believed but numbers.
"""

from __future__ import annotations

import math
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 8192
STALE_SECONDS: Final = 5.0
"""An encoder that has said nothing for so long has stopped, or waits for its publisher."""
_LARGEST: Final = 1e9
_WHOLE: Final = frozenset({"progress=continue", "progress=end"})
"""Last line of a block that is not half written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One block."""

    fps: float
    """Frames encoded a second, of the last output."""
    speed: float
    """Media seconds a second; 1 keeps up."""
    dropped_frames: int
    """Since this run of the encoder began."""
    duplicated_frames: int
    """Likewise."""
    age_seconds: float
    """Since it was written."""


class EncoderProgress:
    """Reads the files."""

    def __init__(self, media_root: str) -> None:
        self._hls = Path(media_root) / "hls"

    def of(self, slug: str) -> Progress | None:
        """What a stream's encoder said last; None where it said nothing lately, or nothing that can be read."""
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
        return parse(content, age) if age < STALE_SECONDS else None


def parse(content: bytes, age_seconds: float) -> Progress | None:
    """A block; None for one that is half written or none."""
    lines = content.decode("ascii", "replace").splitlines()
    if not lines or lines[-1] not in _WHOLE:
        return None
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    fps, speed = _number(values.get("fps")), _number(values.get("speed", "").removesuffix("x"))
    dropped, duplicated = _number(values.get("drop_frames")), _number(values.get("dup_frames"))
    if fps is None or speed is None or dropped is None or duplicated is None:
        return None
    return Progress(
        fps=fps,
        speed=speed,
        dropped_frames=int(dropped),
        duplicated_frames=int(duplicated),
        age_seconds=age_seconds,
    )


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip())
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 <= number < _LARGEST else None
