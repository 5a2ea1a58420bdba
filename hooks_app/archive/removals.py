"""The catalogue for the pruner: what might go, and that it has gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from hooks_app.archive.object_keys import MANIFEST
from hooks_app.archive.own_rows import OwnRows, shortened
from hooks_app.archive.prune import Candidate, Policy, Removal, may_go
from hooks_app.archive.states import FileState, RecordingState
from hooks_app.recording_tables import RecordingFileRow, RecordingRow

_AT_A_TIME = 500
"""Values in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """What the catalogue knows of a folder in kept/."""

    recording_id: int
    is_gone: bool
    """Nothing of the recording is to be on this disk."""
    gone: tuple[str, ...]
    """Names that are not to be there any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """What of a recording is removed from the store."""

    manifest: str
    """Key of the one beside the files."""
    keys: list[str]
    """Of the files."""


class HeldError(Exception):
    """Somebody holds it by now: one sentence for people."""


class Removals(OwnRows):
    """Reads what the pruner decides on, and writes down what it does."""

    def candidates(self, policy: Policy, now: datetime) -> list[Candidate]:
        """The files of every archived recording of which something might go; all of each."""
        might = RecordingRow.local_removed_at.is_(None) | RecordingRow.removal_asked_at.is_not(None)
        if policy.remote is not None:
            might |= RecordingRow.archived_at <= now - policy.remote
        with self._database.read() as db:
            return self._candidates(db, might)

    def removals_asked(self, place: str | None) -> bool:
        """Whether somebody wants something removed that is still there, and within reach."""
        asked = select(RecordingRow.id).where(
            RecordingRow.host == self._here.host,
            RecordingRow.state == RecordingState.ARCHIVED,
            RecordingRow.removal_asked_at.is_not(None),
            RecordingRow.held_at.is_(None),
            RecordingRow.object_place == place,
        )
        with self._database.read() as db:
            return db.scalars(asked.limit(1)).first() is not None

    def mark_local(self, removals: Sequence[Removal], policy: Policy, now: datetime) -> list[Removal]:
        """From here on these are not to be on this disk; returns those that still may go. The files go after this."""
        with self._database.write() as db:
            marked, touched = [], set()
            allowed = self._allowed(db, {removal.recording_id for removal in removals}, policy, now)
            rows = self._rows(db, [removal.file_id for removal in removals if removal.recording_id in allowed])
            for removal in removals:
                row = rows.get(removal.file_id)
                if row is not None and row.local_removed_at is None:
                    row.local_removed_at = now
                    marked.append(removal)
                    touched.add(removal.recording_id)
            db.flush()
            self._conclude(db, touched, now)
            return marked

    def lease_remote(self, recording_id: int, policy: Policy, now: datetime, seconds: float) -> Leased | None:
        """What may go from the store, leased so that nobody reads it and nobody is promised a hold; None: nothing."""
        with self._database.write() as db:
            if recording_id not in self._allowed(db, {recording_id}, policy, now):
                return None
            row = self._recording(db, recording_id)
            if row.object_place != policy.place:
                return None
            files = self._files(db, recording_id)
            keys = [file.object_key for file in files if file.object_key is not None and file.remote_removed_at is None]
            if not keys:
                return None
            row.leased_until = row.remote_removal_until = now + timedelta(seconds=seconds)
            return Leased(manifest=f"{row.object_prefix}/{MANIFEST}", keys=keys)

    def mark_remote(self, recording_id: int, keys: Collection[str], now: datetime, seconds: float) -> None:
        """These are not in the store any more. Raises HeldError: no other one may go."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            for file in self._files(db, recording_id):
                if file.object_key in keys and file.remote_removed_at is None:
                    file.remote_removed_at = now
            row.leased_until = row.remote_removal_until = now + timedelta(seconds=seconds)
            row.replay_url = row.replay_until = None
            db.flush()
            self._conclude(db, {recording_id}, now)
            if row.remote_removed_at is not None:
                row.leased_until = row.remote_removal_until = row.fault = None
            is_held = row.held_at is not None and row.remote_removed_at is None
        if is_held:
            raise HeldError(f"Recording {recording_id} is held. What had gone before stays gone.")

    def failed_remote(self, recording_id: int, fault: str) -> None:
        """The store did not remove it; the next run tries again."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            row.leased_until, row.remote_removal_until, row.fault = None, None, shortened(fault)

    def left_over(self, recording_ids: Collection[int], now: datetime) -> dict[int, LeftOver]:
        """What is known of these folders; of those not in the result nothing is. Leased ones are left alone."""
        found: dict[int, LeftOver] = {}
        with self._database.read() as db:
            for some in _slices(sorted(recording_ids)):
                names: dict[int, list[str]] = defaultdict(list)
                gone = select(RecordingFileRow.recording_id, RecordingFileRow.name).where(
                    RecordingFileRow.recording_id.in_(some), RecordingFileRow.local_removed_at.is_not(None)
                )
                for recording_id, name in db.execute(gone):
                    names[recording_id].append(name)
                query = select(RecordingRow.id, RecordingRow.local_removed_at, RecordingRow.leased_until).where(
                    RecordingRow.id.in_(some), RecordingRow.host == self._here.host
                )
                for recording_id, removed_at, leased_until in db.execute(query):
                    free = leased_until is None or leased_until <= now
                    found[recording_id] = LeftOver(
                        recording_id=recording_id,
                        is_gone=free and removed_at is not None,
                        gone=tuple(names[recording_id]) if free else (),
                    )
        return found

    def _candidates(self, db: Session, which: ColumnElement[bool]) -> list[Candidate]:
        """All files of the archived recordings that are meant. Columns, not rows: there may be tens of thousands."""
        chosen = (RecordingRow.host == self._here.host, RecordingRow.state == RecordingState.ARCHIVED, which)
        recordings = select(
            RecordingRow.id,
            RecordingRow.archived_at,
            RecordingRow.restored_at,
            RecordingRow.held_at.is_not(None),
            RecordingRow.leased_until,
            RecordingRow.removal_asked_at.is_not(None),
            RecordingRow.object_place,
        ).where(*chosen)
        known = {row[0]: row for row in db.execute(recordings)}
        files = (
            select(
                RecordingFileRow.recording_id,
                RecordingFileRow.id,
                RecordingFileRow.name,
                RecordingFileRow.bytes,
                RecordingFileRow.wanted,
                RecordingFileRow.state,
                RecordingFileRow.local_removed_at.is_(None),
                RecordingFileRow.object_key.is_not(None) & RecordingFileRow.remote_removed_at.is_(None),
            )
            .join(RecordingRow)
            .where(*chosen)
            .order_by(RecordingFileRow.id)
        )
        found = []
        for recording_id, file_id, name, size_bytes, wanted, state, here, there in db.execute(files):
            _, archived_at, restored_at, held, leased_until, removal_asked, place = known[recording_id]
            found.append(
                Candidate(
                    recording_id=recording_id,
                    file_id=file_id,
                    name=name,
                    bytes=size_bytes,
                    wanted=wanted,
                    file_state=FileState(state),
                    here=here,
                    there=there,
                    place=place,
                    state=RecordingState.ARCHIVED,
                    archived_at=archived_at,
                    restored_at=restored_at,
                    held=held,
                    leased_until=leased_until,
                    removal_asked=removal_asked,
                )
            )
        return found

    def _allowed(self, db: Session, recording_ids: set[int], policy: Policy, now: datetime) -> set[int]:
        """Those of which files may go, by what the rows say in this transaction."""
        groups: dict[int, list[Candidate]] = defaultdict(list)
        for some in _slices(sorted(recording_ids)):
            for file in self._candidates(db, RecordingRow.id.in_(some)):
                groups[file.recording_id].append(file)
        return {recording_id for recording_id, group in groups.items() if may_go(group, policy, now)}

    def _rows(self, db: Session, file_ids: Sequence[int]) -> dict[int, RecordingFileRow]:
        rows: dict[int, RecordingFileRow] = {}
        for some in _slices(file_ids):
            for row in db.scalars(select(RecordingFileRow).where(RecordingFileRow.id.in_(some))):
                rows[row.id] = row
        return rows

    def _conclude(self, db: Session, recording_ids: Iterable[int], now: datetime) -> None:
        """What is said of a whole recording follows from its files."""
        for some in _slices(sorted(recording_ids)):
            here: set[int] = set()
            there: set[int] = set()
            left = select(
                RecordingFileRow.recording_id,
                RecordingFileRow.local_removed_at,
                RecordingFileRow.object_key,
                RecordingFileRow.remote_removed_at,
            ).where(
                RecordingFileRow.recording_id.in_(some),
                or_(RecordingFileRow.local_removed_at.is_(None), RecordingFileRow.remote_removed_at.is_(None)),
            )
            for recording_id, local_removed_at, key, remote_removed_at in db.execute(left):
                if local_removed_at is None:
                    here.add(recording_id)
                if key is not None and remote_removed_at is None:
                    there.add(recording_id)
            for row in db.scalars(select(RecordingRow).where(RecordingRow.id.in_(some))):
                if row.id not in here and row.local_removed_at is None:
                    row.local_removed_at = now
                if row.id not in there and row.remote_removed_at is None:
                    row.remote_removed_at = now
                if row.id not in here | there:
                    self._enter(row, RecordingState.REMOVED)


def _slices(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[first : first + _AT_A_TIME] for first in range(0, len(values), _AT_A_TIME))
