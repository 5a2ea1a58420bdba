"""What the encoders have written: is it playable, does it still grow, has it ended?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Protocol

from headend.model.facts import StreamFacts

END_TAG = "#EXT-X-ENDLIST"
"""RFC 8216 section 4.3.3.4: no segment will be added."""


class Media(Protocol):
    """Reads a stream's media playlists."""

    def playable(self, stream: StreamFacts, before: Sequence[str]) -> bool:
        """Every rendition's media playlist lists last a segment that is there and is not the one in `before`."""
        ...

    def newest(self, stream: StreamFacts) -> tuple[str | None, ...]:
        """The segment that each media playlist lists last, in the order of the renditions."""
        ...

    def finished(self, stream: StreamFacts) -> bool:
        """Every media playlist that is there has its end tag."""
        ...

    def ages_seconds(self, stream: StreamFacts) -> tuple[float | None, ...]:
        """How old the newest segment of each rendition is; None where there is none, or an end tag."""
        ...


class MediaRoot:
    """The real files: <media_root>/hls/<slug>/<rendition>/index.m3u8 and segments beside it."""

    def __init__(self, media_root: str) -> None:
        self._hls = Path(media_root) / "hls"

    def playable(self, stream: StreamFacts, before: Sequence[str]) -> bool:
        """Every rendition is playable. By names and not by times: a clock that is set back changes no name."""
        playlists = [self._playlist(stream, name) for name in stream.renditions]
        return all(
            _playable(playlist, old) for playlist, old in zip(playlists, chain(before, repeat("")), strict=False)
        )

    def newest(self, stream: StreamFacts) -> tuple[str | None, ...]:
        """The segment that each media playlist lists last."""
        return tuple(_last_segment(_lines(self._playlist(stream, name))) for name in stream.renditions)

    def finished(self, stream: StreamFacts) -> bool:
        """Every media playlist that is there has its end tag; a stream that was never on air is finished."""
        texts = [_lines(self._playlist(stream, name)) for name in stream.renditions]
        return all(END_TAG in lines for lines in texts if lines)

    def ages_seconds(self, stream: StreamFacts) -> tuple[float | None, ...]:
        """How old the newest segment of each rendition is."""
        return tuple(_age_seconds(self._playlist(stream, name)) for name in stream.renditions)

    def _playlist(self, stream: StreamFacts, rendition: str) -> Path:
        return self._hls / stream.slug / rendition / "index.m3u8"


def _playable(playlist: Path, before: str) -> bool:
    segment = _last_segment(_lines(playlist))
    if segment is None or segment == before:
        return False
    try:
        return (playlist.parent / segment).stat().st_size > 0
    except OSError:
        return False


def _age_seconds(playlist: Path) -> float | None:
    lines = _lines(playlist)
    segment = None if END_TAG in lines else _last_segment(lines)
    if segment is None:
        return None
    try:
        return max(0.0, time.time() - (playlist.parent / segment).stat().st_mtime)
    except OSError:
        return None


def _lines(playlist: Path) -> list[str]:
    try:
        return playlist.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _last_segment(lines: Sequence[str]) -> str | None:
    # RFC 8216 section 4.1: a line that is neither empty nor begins with # is a URI.
    return next((line for line in reversed(lines) if line and not line.startswith("#")), None)
