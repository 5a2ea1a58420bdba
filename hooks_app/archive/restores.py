"""The catalogue for files that are wanted back here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from hooks_app.archive.journal import StoredFile
from hooks_app.archive.own_rows import OwnRows
from hooks_app.archive.progress import is_due, stored_file
from hooks_app.archive.states import FileState, RecordingState
from hooks_app.recording_tables import RecordingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRestore:
    """A recording whose files are wanted back on this disk."""

    recording_id: int
    slug: str
    files: tuple[StoredFile, ...]
    """Those that are in the store and not here; none: `restored` is all that is left to do."""


class Restores(OwnRows):
    """Reads what is asked for, and writes down what was done."""

    def to_restore(self, now: datetime, place: str, limit: int = 10) -> list[ToRestore]:
        """What is wanted back and due, and archived in this place, in the order in which it was asked for."""
        query = select(RecordingRow).where(
            RecordingRow.host == self._here.host,
            RecordingRow.state == RecordingState.ARCHIVED,
            RecordingRow.restore_asked_at.is_not(None),
            RecordingRow.removal_asked_at.is_(None),
            RecordingRow.object_place == place,
            is_due(now),
        )
        with self._database.read() as db:
            rows = list(db.scalars(query.order_by(RecordingRow.restore_asked_at, RecordingRow.id).limit(limit)))
            return [
                ToRestore(
                    recording_id=row.id,
                    slug=row.slug,
                    files=tuple(
                        stored_file(file)
                        for file in self._files(db, row.id)
                        if file.state == FileState.VERIFIED
                        and file.local_removed_at is not None
                        and file.remote_removed_at is None
                    ),
                )
                for row in rows
            ]

    def restored(self, recording_id: int, file_ids: Collection[int]) -> None:
        """These files are here again, whole; the recording must be leased until this was called."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            for file in self._files(db, recording_id):
                if file.id in file_ids:
                    file.local_removed_at = None
                    row.local_removed_at = None
            row.restore_asked_at, row.restored_at = None, self._here.clock.now()
            row.fault, row.attempts, row.due_at = None, 0, None
