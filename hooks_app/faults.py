"""Why a stream's last SRT caller could not be carried, as its remuxer left it: <faults_dir>/<slug>.json.

    {"at": 1767225600, "reason": "video-codec", "detail": "hevc"}

The remuxer reads what strangers send, so nothing of the file is shown: it only chooses among the sentences below.
"""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import structlog

from headend.model.facts import HookFacts
from hooks_app.clock import Clock

FILE_BYTES: Final = 1024
FUTURE_SECONDS: Final = 5.0
"""A fault from further ahead is not believed: it would stay for ever."""

# Names as srt_remux/codecs.py has them.
_CODECS: Final = MappingProxyType(
    {
        "av1": "AV1",
        "avs": "AVS",
        "avs2": "AVS2",
        "hevc": "HEVC",
        "jpeg2000": "JPEG 2000",
        "mpeg1video": "MPEG-1",
        "mpeg2video": "MPEG-2",
        "mpeg4": "MPEG-4 Part 2",
        "vc1": "VC-1",
        "vvc": "VVC",
    }
)
_SENTENCES: Final = MappingProxyType(
    {
        "no-video": "The SRT caller sent no picture. Send H.264.",
        "no-program": "The SRT caller sent no MPEG-TS. Set the encoder's container to MPEG-TS, with H.264 and AAC.",
        "publish-refused": "The SRT caller was not let in. The journal of headend-hooks.service says why.",
    }
)
_CLOSER: Final = MappingProxyType(
    {
        ("no-video", "no keyframe"): "The SRT caller sent no keyframe. Set the encoder's keyframe interval to 2 s.",
        (
            "no-video",
            "unreadable",
        ): "The SRT caller's H.264 could not be read. Restart the encoder or change its profile.",
        ("no-program", "silent"): "The SRT caller sent nothing. Start the encoder's output.",
    }
)
"""Where the detail is worth a sentence of its own."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One caller that could not be carried."""

    at: datetime
    reason: str
    """A sentence for people, with the remedy."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Reads the faults; without a folder there are none."""

    folder: Path | None
    clock: Clock

    @classmethod
    def of_facts(cls, facts: HookFacts, clock: Clock) -> Faults:
        """The site's own; none where the spec has no SRT."""
        return cls(Path(facts.srt.faults_dir) if facts.srt else None, clock)

    def of(self, slug: str) -> Fault | None:
        """The stream's last fault. A file that is not exactly what a remuxer writes is none, and is logged."""
        if self.folder is None:
            return None
        try:
            fault = parse_fault(_read(self.folder / f"{slug}.json"))
            if (fault.at - self.clock.now()).total_seconds() > FUTURE_SECONDS:
                raise ValueError("from the future")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("fault not believed", stream=slug, error=type(error).__name__)
            return None
        return fault


def parse_fault(content: bytes) -> Fault:
    """A remuxer's file. Raises ValueError."""
    try:
        document: Any = json.loads(content, object_pairs_hook=_without_twins)
    except RecursionError:
        raise ValueError("nested too deep") from None
    match document:
        case {"at": int() | float() as at, "reason": str() as reason, "detail": str() as detail} if len(document) == 3:
            return Fault(_time(at), _sentence(reason, detail))
    raise ValueError("not a fault")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _time(at: float) -> datetime:
    try:
        if isinstance(at, bool) or not math.isfinite(at) or at <= 0:
            raise ValueError("not a time")
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError):
        raise ValueError("not a time") from None


def _sentence(reason: str, detail: str) -> str:
    if reason == "video-codec":
        what = f"{_CODECS[detail]} video" if detail in _CODECS else "video in a codec of its own"
        return f"The SRT caller sent {what}; RTMP cannot carry it. Send H.264."
    if reason not in _SENTENCES:
        raise ValueError("unknown reason")
    return _CLOSER.get((reason, detail), _SENTENCES[reason])


def _read(path: Path) -> bytes:
    # NONBLOCK and NOFOLLOW: a fifo would hold up the API, a link would lead elsewhere.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a file")
        content = file.read(FILE_BYTES + 1)
    if len(content) > FILE_BYTES:
        raise ValueError("too long")
    return content
