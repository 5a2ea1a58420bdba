"""Which ladder a stream has that was made at run time: one file for each, which its encoder's script reads.

    <streams_dir>/<slug>     the ladder's name and a newline

The script is root's and believes only a ladder that a deploy has placed. The folder is on a tmpfs: all are written
again at each start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import structlog

from headend.model.facts import StreamFacts

log = structlog.get_logger(__name__)


class MadeStreams:
    """Keeps the folder as the database says. Without a folder there are no such streams."""

    def __init__(self, folder: Path | None, declared: frozenset[str]) -> None:
        self._folder = folder
        self._declared = declared

    def write(self, streams: Mapping[str, StreamFacts], on_air: Callable[[], Collection[str]]) -> frozenset[str]:
        """Write what is missing or different, remove what is gone; returns the slugs of which nothing is left.

        One that the spec declares now only loses its file. One that is on air keeps it until it is not.
        """
        if self._folder is None:
            return frozenset()
        wanted = {slug: stream.ladder for slug, stream in streams.items() if slug not in self._declared}
        try:
            present = {entry.name for entry in os.scandir(self._folder) if not entry.name.startswith(".")}
            for slug, ladder in wanted.items():
                _write(self._folder / slug, f"{ladder}\n".encode("ascii"))
            # Who is on air is asked for only where something is gone, which is almost never.
            left = present - set(wanted) - self._declared
            gone = left - set(on_air()) if left else left
            for slug in gone | (present & self._declared):
                (self._folder / slug).unlink(missing_ok=True)
        except OSError as error:
            log.error("made streams not written", folder=str(self._folder), error=error.strerror)
            return frozenset()
        return frozenset(gone)


def _write(path: Path, text: bytes) -> None:
    try:
        if path.read_bytes() == text:
            return
    except FileNotFoundError:
        pass
    # Whole or not at all. Only this process writes here, so one name will do.
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(text)
        # The unit's umask lets nobody else read it.
        os.fchmod(descriptor, 0o644)
    new.replace(path)
