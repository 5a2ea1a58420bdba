"""What the encoders have written: is it playable, and does it still grow?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from headend.model.facts import StreamFacts


class Media(Protocol):
    """Reads a stream's media playlists."""

    def playable(self, stream: StreamFacts, since: datetime) -> bool:
        """Every rendition's media playlist lists last a segment that is there, and both were written after `since`."""
        ...

    def newest(self, stream: StreamFacts) -> tuple[str | None, ...]:
        """The segment that each media playlist lists last, in the order of the renditions."""
        ...


class MediaRoot:
    """The real files: <media_root>/hls/<slug>/<rendition>/index.m3u8 and segments beside it."""

    def __init__(self, media_root: str) -> None:
        self._hls = Path(media_root) / "hls"

    def playable(self, stream: StreamFacts, since: datetime) -> bool:
        """Every rendition is playable."""
        return all(_playable(self._playlist(stream, name), since) for name in stream.renditions)

    def newest(self, stream: StreamFacts) -> tuple[str | None, ...]:
        """The segment that each media playlist lists last."""
        return tuple(_last_segment(self._playlist(stream, name)) for name in stream.renditions)

    def _playlist(self, stream: StreamFacts, rendition: str) -> Path:
        return self._hls / stream.slug / rendition / "index.m3u8"


def _playable(playlist: Path, since: datetime) -> bool:
    try:
        segment = _last_segment(playlist)
        if segment is None:
            return False
        newest = (playlist.parent / segment).stat()
        # The segment's own time as well: an encoder that continues a playlist may write it before it has a segment.
        written = min(newest.st_mtime, playlist.stat().st_mtime)
        return newest.st_size > 0 and datetime.fromtimestamp(written, UTC) >= since
    except OSError:
        return False


def _last_segment(playlist: Path) -> str | None:
    try:
        lines = playlist.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    # RFC 8216 §4.1: a line that is neither empty nor begins with # is a URI.
    return next((line for line in reversed(lines) if line and not line.startswith("#")), None)
