"""Live segments that no playlist beside them lists: what crashed encoders and ended streams leave.

They are the encoder's, so this only counts them: systemd-tmpfiles removes them by their age
(templates/host/tmpfiles.conf.j2), which is the same here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from hooks_app.archive.folders import Folder, NotOursError

SEGMENTS = (".ts", ".ts.tmp")
"""With those that a crashed encoder had not finished."""
LONGEST_PLAYLIST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the next sweep removes."""

    files: int
    bytes: int


def to_sweep(media_root: str, sweep_seconds: float, now: datetime) -> Sweep:
    """Count the segments that no playlist lists and that were written so long ago. Raises OSError."""
    files = size = 0
    for folder in _renditions(media_root):
        with folder:
            names = folder.names()
            listed: set[str] = set()
            for name in names:
                if name.endswith(".m3u8"):
                    listed |= _listed(folder, name)
            for name in names:
                if name in listed or not name.endswith(SEGMENTS):
                    continue
                with suppress(NotOursError):
                    info = folder.info(name)
                    if info is not None and now.timestamp() - info.st_mtime > sweep_seconds:
                        files, size = files + 1, size + info.st_size
    return Sweep(files, size)


def _renditions(media_root: str) -> Iterator[Folder]:
    try:
        root = Folder.at(f"{media_root}/hls")
    except FileNotFoundError:
        return
    with root:
        for slug in root.names():
            with suppress(NotOursError, FileNotFoundError), root.inner(slug) as stream:
                for name in stream.names():
                    with suppress(NotOursError, FileNotFoundError):
                        yield stream.inner(name)


def _listed(folder: Folder, name: str) -> set[str]:
    """The segments that a playlist names, by the last component of their URIs."""
    try:
        descriptor = folder.open(name)
    except (NotOursError, FileNotFoundError):
        return set()
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        lines = file.read(LONGEST_PLAYLIST_BYTES).splitlines()
    return {line.partition("?")[0].rpartition("/")[2] for line in lines if line and not line.startswith("#")}
