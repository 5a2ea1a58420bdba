"""The rows of this host: nobody else's are changed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hooks_app.archive.states import RecordingState
from hooks_app.database import Database
from hooks_app.here import Here
from hooks_app.recording_tables import RecordingFileRow, RecordingRow

FAULT_LENGTH = 300


class OwnRows:
    """What every part of the catalogue shares. Raises SQLAlchemyError; LookupError for a row that is not ours."""

    def __init__(self, database: Database, here: Here) -> None:
        self._database = database
        self._here = here

    def _recording(self, db: Session, recording_id: int) -> RecordingRow:
        row = db.get(RecordingRow, recording_id)
        if row is None or row.host != self._here.host:
            raise LookupError(f"Recording {recording_id} is not one of {self._here.host}.")
        return row

    def _file(self, db: Session, file_id: int) -> RecordingFileRow:
        row = db.get(RecordingFileRow, file_id)
        if row is None:
            raise LookupError(f"File {file_id} is in no recording.")
        self._recording(db, row.recording_id)
        return row

    def _files(self, db: Session, recording_id: int) -> list[RecordingFileRow]:
        query = select(RecordingFileRow).where(RecordingFileRow.recording_id == recording_id)
        return list(db.scalars(query.order_by(RecordingFileRow.id)))

    def _enter(self, row: RecordingRow, state: RecordingState) -> None:
        row.state, row.since = state.value, self._here.clock.now()
        row.attempts, row.due_at, row.no_room_since = 0, None, None


def shortened(fault: str) -> str:
    """A fault as its column holds it: one line."""
    return " ".join(fault.split())[:FAULT_LENGTH]
