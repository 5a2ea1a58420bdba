"""The collector: parts in the buffer become recordings, each part of exactly one, whatever is killed meanwhile.

The catalogue is written first, then the parts are moved: a part whose name is in the catalogue and which still lies in
the buffer is one that a crash kept from being moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from hooks_app.archive.folders import Folder, NotOursError
from hooks_app.archive.intake import Intake, OpenRecording
from hooks_app.archive.ladder import clear
from hooks_app.archive.part_file import LEAST_BYTES, PartFile, PartName, session_of
from hooks_app.clock import Clock

QUIET_SECONDS = 5.0
"""A part that was not written for so long, and that nobody has locked, is complete."""
STRAY_SECONDS = 600.0
"""For so long a session may still be found for a part; then it is kept without one."""
EMPTY_SECONDS = 60.0
"""An open recording whose session ended so long ago and that has no part is forgotten."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a round did."""

    closed: tuple[int, ...] = ()
    """Recordings that were closed."""
    moved: int = 0
    """Parts that were moved to where their recordings are kept."""
    unmoved: frozenset[int] = frozenset()
    """Closed recordings of which a part still lies in the buffer: they are not to be finished yet."""
    strange: tuple[str, ...] = ()
    """What is in the buffer and is not ours, a sentence each; each is told once."""


@dataclass(slots=True)
class _Round:
    now: datetime
    closed: list[int] = field(default_factory=list)
    moved: int = 0
    unmoved: set[int] = field(default_factory=set)
    strange: list[str] = field(default_factory=list)
    opened: dict[int, int] = field(default_factory=dict)
    """The open recording of each session."""


class Collector:
    """Collects. `buffer` and `kept` are open folders of the same disk."""

    def __init__(
        self, catalogue: Intake, buffer: Folder, kept: Folder, clock: Clock, *, longest_hours: float, keep_raw: bool
    ) -> None:
        self._catalogue = catalogue
        self._buffer = buffer
        self._kept = kept
        self._clock = clock
        self._longest = timedelta(hours=longest_hours)
        self._keep_raw = keep_raw
        self._told: set[str] = set()
        self._sessions: dict[str, int] = {}
        """Of the parts in the buffer, by name: once found it stays, whoever publishes next."""

    def collect(self) -> Collected:
        """One round. Raises OSError and SQLAlchemyError; the next round goes on where this one stopped."""
        turn = _Round(self._clock.now())
        # Before the parts are: a session that is over by now has no part that is not seen then.
        opened = self._catalogue.open_recordings()
        turn.opened = {one.session_id: one.id for one in opened if one.session_id is not None}
        parts = self._parts(turn)
        known = self._catalogue.recording_of([part.named.name for part in parts])
        for part in parts:
            if part.named.name in known:
                self._move(part.named.name, known[part.named.name], turn)
        loose = [part for part in parts if part.named.name not in known]
        self._sort(loose, turn)
        sessions = {self._sessions.get(part.named.name) for part in loose}
        slugs = {part.named.slug for part in loose if part.named.name not in self._sessions}
        for recording in opened:
            self._forget_empty(recording, sessions, slugs, turn)
        return Collected(
            closed=tuple(turn.closed),
            moved=turn.moved,
            unmoved=frozenset(turn.unmoved),
            strange=tuple(turn.strange),
        )

    def _parts(self, turn: _Round) -> list[PartFile]:
        names = self._buffer.names()
        self._told &= set(names)
        self._sessions = {name: session for name, session in self._sessions.items() if name in set(names)}
        parts = []
        for name in names:
            named = PartName.of(name)
            if named is None:
                self._tell(name, f"The buffer has a file that nginx does not write: {ascii(name)[:140]}.", turn)
                continue
            try:
                part = self._look(named)
                if part is None:
                    continue
                if part.bytes < LEAST_BYTES and part.is_quiet(turn.now, QUIET_SECONDS):
                    self._buffer.remove(name)
                    continue
            except NotOursError as error:
                self._tell(name, str(error), turn)
                continue
            parts.append(part)
        return parts

    def _look(self, named: PartName) -> PartFile | None:
        # The lock first: a part that was let go of is complete in what is read of it after that.
        being_written = self._buffer.being_written(named.name)
        info = self._buffer.info(named.name)
        if info is None:
            return None
        modified_at = datetime.fromtimestamp(info.st_mtime, UTC)
        return PartFile(named=named, bytes=info.st_size, modified_at=modified_at, being_written=being_written)

    def _sort(self, parts: Sequence[PartFile], turn: _Round) -> None:
        """Each part to its session; what is complete is closed."""
        if not parts:
            return
        since = min(part.named.started_at for part in parts)
        spans = self._catalogue.sessions_of({part.named.slug for part in parts}, since)
        over_at = {span.id: span.ended_at for span in spans}
        groups: dict[int, list[PartFile]] = defaultdict(list)
        strays: dict[str, list[PartFile]] = defaultdict(list)
        for part in parts:
            session_id = self._sessions.get(part.named.name)
            if session_id not in over_at:
                span = session_of(part, spans)
                session_id = span.id if span is not None else None
            if session_id is None:
                self._sessions.pop(part.named.name, None)
                strays[part.named.slug].append(part)
            else:
                self._sessions[part.named.name] = session_id
                groups[session_id].append(part)
        settled = turn.now - timedelta(seconds=QUIET_SECONDS)
        for session_id, group in groups.items():
            ended_at = over_at[session_id]
            # Not just now: nginx may still be about to begin a part. An end that lies ahead is of a clock that was set.
            is_over = ended_at is not None and not settled < ended_at <= turn.now
            self._split(session_id, group, is_over, turn)
        for slug_parts in strays.values():
            for group in self._connected(slug_parts):
                if all(part.is_quiet(turn.now, STRAY_SECONDS) for part in group):
                    self._split(None, group, True, turn)

    def _split(self, session_id: int | None, parts: Sequence[PartFile], is_over: bool, turn: _Round) -> None:
        """Close what is complete of a session: recordings no longer than they may be."""
        ordered = sorted(parts, key=lambda part: part.named.order)
        runs: list[list[PartFile]] = []
        for part in ordered:
            if not runs or part.named.started_at - runs[-1][0].named.started_at >= self._longest:
                runs.append([])
            runs[-1].append(part)
        for run in runs:
            first = run[0].named
            recording_id = turn.opened.get(session_id) if session_id is not None else None
            if recording_id is None:
                recording_id = self._catalogue.begin(first.slug, session_id, first.started_at)
            if session_id is not None:
                turn.opened[session_id] = recording_id
            is_last = run is runs[-1]
            if (is_last and not is_over) or not all(part.is_quiet(turn.now, QUIET_SECONDS) for part in run):
                return
            if not self._catalogue.close(recording_id, run, keep_raw=self._keep_raw):
                return
            if session_id is not None:
                del turn.opened[session_id]
            turn.closed.append(recording_id)
            log.info("recording closed", recording=recording_id, stream=first.slug, parts=len(run))
            for part in run:
                self._move(part.named.name, recording_id, turn)

    def _connected(self, parts: Sequence[PartFile]) -> list[list[PartFile]]:
        """Parts without a session: what follows soon is of the same recording."""
        runs: list[list[PartFile]] = []
        for part in sorted(parts, key=lambda part: part.named.order):
            gap = (part.named.started_at - runs[-1][-1].modified_at).total_seconds() if runs else STRAY_SECONDS
            if gap >= STRAY_SECONDS:
                runs.append([])
            runs[-1].append(part)
        return runs

    def _move(self, name: str, recording_id: int, turn: _Round) -> None:
        try:
            with self._kept.inner(str(recording_id), make=True) as folder:
                self._buffer.move(name, folder)
        except (NotOursError, FileExistsError) as error:
            turn.unmoved.add(recording_id)
            self._tell(name, str(error), turn)
        except FileNotFoundError:
            # Somebody took it away in this moment: the finisher says what is missing.
            log.warning("part gone", part=name, recording=recording_id)
        else:
            turn.moved += 1

    def _forget_empty(self, recording: OpenRecording, sessions: set[int | None], slugs: set[str], turn: _Round) -> None:
        if recording.id in turn.closed:
            return
        if recording.session_id is None:
            is_empty = recording.slug not in slugs
        else:
            over = (turn.now - recording.over_at).total_seconds() if recording.over_at is not None else 0.0
            is_empty = recording.session_id not in sessions and over >= EMPTY_SECONDS
        if is_empty and self._catalogue.forget(recording.id):
            self._clear(recording.id)
            log.info("recording forgotten", recording=recording.id, stream=recording.slug)

    def _clear(self, recording_id: int) -> None:
        """Segments of a recording that is none after all."""
        name = str(recording_id)
        with suppress(FileNotFoundError, NotOursError):
            with self._kept.inner(name) as folder:
                clear(folder)
            self._kept.remove_folder(name)

    def _tell(self, name: str, sentence: str, turn: _Round) -> None:
        if name in self._told:
            return
        self._told.add(name)
        turn.strange.append(sentence)
        log.warning("left alone", fault=sentence)
