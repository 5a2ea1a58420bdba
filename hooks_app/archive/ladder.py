"""Keeps what the encoders make of a stream while it is recorded: each rendition's own segments, in one file.

    ladder.master      the master playlist, as it was when the recording began
    ladder-720p.ts     segments, one behind the other
    ladder-720p.txt    a line for each: OFFSET BYTES SECONDS DATE -|D NAME; D where a discontinuity comes before it

The live playlist lists a segment for as long as its window is; what it lists no more when we look is not kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from hooks_app.archive.folders import Folder, NotOursError, words_of, write_all
from hooks_app.archive.intake import Intake, OpenRecording

MASTER: Final = "ladder.master"
SLACK: Final = timedelta(seconds=1)
"""Names of parts have whole seconds."""
MOST_TEXT_BYTES: Final = 16 * 1024 * 1024
MOST_SEGMENT_BYTES: Final = 256 * 1024 * 1024
BLOCK_BYTES: Final = 1024 * 1024

_OURS: Final = re.compile(r"ladder(-[a-z0-9-]{1,20})?\.(master|m3u8|ts|txt)")
_RENDITION: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,19})/index\.m3u8")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_DURATION: Final = re.compile(r"#EXTINF:(\d{1,5}(?:\.\d{1,9})?),.*")
_DATE: Final = re.compile(r"#EXT-X-PROGRAM-DATE-TIME:([0-9T:.+Z-]{19,40})")
_LINE: Final = re.compile(rf"(\d{{1,15}}) (\d{{1,10}}) [0-9.]{{1,16}} [0-9T:.+Z-]{{19,40}} [D-] ({_SEGMENT.pattern})")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Segment:
    """As a media playlist lists it (RFC 8216 4.3.2)."""

    name: str
    seconds: str
    date: str
    """When its first frame was encoded, ISO 8601."""
    discontinuity: bool


@dataclass(slots=True)
class _Journal:
    """What is kept of a rendition."""

    names: set[str] = field(default_factory=set)
    end: int = 0


class Ladder:
    """Copies. `ladders_dir` has a folder for each ladder, with its master playlist."""

    def __init__(
        self, catalogue: Intake, kept: Folder, *, media_root: str, ladders_dir: Path, reserve_bytes: int
    ) -> None:
        self._catalogue = catalogue
        self._kept = kept
        self._hls = f"{media_root}/hls"
        self._ladders = ladders_dir
        self._reserve_bytes = reserve_bytes
        self._journals: dict[tuple[int, str], _Journal] = {}
        self._told: dict[int, str] = {}

    def turn(self) -> None:
        """One look at every stream that is being recorded. Raises SQLAlchemyError."""
        opened = self._catalogue.open_recordings()
        numbers = {one.id for one in opened}
        self._journals = {key: journal for key, journal in self._journals.items() if key[0] in numbers}
        self._told = {number: text for number, text in self._told.items() if number in numbers}
        for recording in opened:
            # As for the recording itself: live comes first.
            disk = self._kept.statvfs()
            if disk.f_bavail * disk.f_frsize < self._reserve_bytes:
                return
            try:
                self._copy(recording)
            except (OSError, NotOursError) as error:
                self._tell(recording, words_of(error))

    def _copy(self, recording: OpenRecording) -> None:
        if recording.session_id is None or recording.ladder is None:
            return
        try:
            stream = Folder.at(self._hls)
        except FileNotFoundError:
            return
        with stream, self._kept.inner(str(recording.id), make=True) as folder:
            for rendition in self._renditions(recording.ladder, folder):
                with suppress(FileNotFoundError), stream.inner(recording.slug) as made, made.inner(rendition) as live:
                    self._copy_rendition(recording, rendition, live, folder)

    def _renditions(self, ladder: str, folder: Folder) -> list[str]:
        try:
            master = _text(folder, MASTER)
        except FileNotFoundError:
            try:
                master = (self._ladders / ladder / "master.m3u8").read_text("utf-8")
            except (FileNotFoundError, UnicodeDecodeError):
                return []
            folder.write(MASTER, master)
        return [found[1] for line in master.splitlines() if (found := _RENDITION.fullmatch(line))]

    def _copy_rendition(self, recording: OpenRecording, rendition: str, live: Folder, folder: Folder) -> None:
        since = recording.started_at - SLACK
        listed = [one for one in segments(_text(live, "index.m3u8")) if datetime.fromisoformat(one.date) >= since]
        if not listed:
            return
        key = (recording.id, rendition)
        if key not in self._journals:
            self._journals[key] = _read(folder, f"ladder-{rendition}.txt")
        journal = self._journals[key]
        new = [one for one in listed if one.name not in journal.names]
        if new:
            _append(new, journal, live, folder, rendition)

    def _tell(self, recording: OpenRecording, fault: str) -> None:
        if self._told.get(recording.id) != fault:
            self._told[recording.id] = fault
            log.warning("segments not kept", recording=recording.id, stream=recording.slug, fault=fault)


def clear(folder: Folder, keep: frozenset[str] = frozenset()) -> None:
    """Remove everything of the ladder but what is to stay. Raises OSError, NotOursError."""
    for name in folder.names():
        if _OURS.fullmatch(name) and name not in keep:
            folder.remove(name)


def segments(playlist: str) -> Iterator[Segment]:
    """What a media playlist lists, oldest first; of segments without a length or a date nothing is said."""
    seconds = date = None
    discontinuity = False
    for line in playlist.splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            discontinuity = True
        elif found := _DURATION.fullmatch(line):
            seconds = found[1]
        elif found := _DATE.fullmatch(line):
            date = found[1] if _is_date(found[1]) else None
        elif line and not line.startswith("#"):
            if seconds and date and _SEGMENT.fullmatch(line):
                yield Segment(line, seconds, date, discontinuity)
            seconds = date = None
            discontinuity = False


def _is_date(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _append(new: list[Segment], journal: _Journal, live: Folder, folder: Folder, rendition: str) -> None:
    """The bytes first, the line after them: what a crash leaves behind the last line is written over."""
    name = f"ladder-{rendition}"
    media = folder.grow(f"{name}.ts")
    try:
        lines, end = [], journal.end
        os.ftruncate(media, end)
        os.lseek(media, end, os.SEEK_SET)
        for one in new:
            try:
                count = _copy_bytes(live, one.name, media)
            except FileNotFoundError:
                # Swept in this moment.
                continue
            mark = "D" if one.discontinuity else "-"
            lines.append(f"{end} {count} {one.seconds} {one.date} {mark} {one.name}\n")
            end += count
        os.fsync(media)
    finally:
        os.close(media)
    index = folder.grow(f"{name}.txt")
    try:
        os.lseek(index, 0, os.SEEK_END)
        write_all(index, "".join(lines).encode("ascii"))
        os.fsync(index)
    finally:
        os.close(index)
    journal.end = end
    journal.names |= {one.name for one in new}


def _copy_bytes(live: Folder, name: str, media: int) -> int:
    count = 0
    source = live.open(name)
    try:
        while count < MOST_SEGMENT_BYTES and (block := os.read(source, BLOCK_BYTES)):
            write_all(media, block)
            count += len(block)
    finally:
        os.close(source)
    return count


def _read(folder: Folder, name: str) -> _Journal:
    """As an earlier process left it; a line that a crash cut is taken off."""
    journal = _Journal()
    try:
        text = _text(folder, name)
    except FileNotFoundError:
        return journal
    lines = []
    for line in text.splitlines(keepends=True):
        found = _LINE.fullmatch(line.removesuffix("\n"))
        if found is None or not line.endswith("\n") or int(found[1]) != journal.end:
            break
        journal.end += int(found[2])
        journal.names.add(found[3])
        lines.append(line)
    if "".join(lines) != text:
        folder.write(name, "".join(lines))
    return journal


def _text(folder: Folder, name: str) -> str:
    with open(folder.open(name), "rb") as file:
        return file.read(MOST_TEXT_BYTES).decode("ascii", "replace")
