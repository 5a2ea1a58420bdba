"""How much of what was recorded is where, and how much is still on its way to the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from hooks_app.archive.states import FileState, RecordingState
from hooks_app.recording_tables import RecordingFileRow, RecordingRow, UploadPartRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Sums over the catalogue."""

    states: dict[RecordingState, int]
    """How many recordings are in each; every state is named."""
    local_bytes: int
    """On the disks of their hosts."""
    waiting_bytes: int
    """To go to the store, and not verified there."""
    waiting_sent_bytes: int
    """Of that, what the store has taken already."""
    verified_bytes: int
    """In the store."""
    unverified_files: int
    """Of which the store has everything, as it says, and nobody has compared it yet."""
    oldest_unarchived_at: datetime | None
    """When the recording that has waited longest to be archived was over; None where none waits."""


def backlog(db: Session, owner: str | None = None) -> Backlog:
    """Of one owner, or of all."""
    mine = [RecordingRow.owner == owner] if owner is not None else []
    counted = select(RecordingRow.state, func.count()).where(*mine).group_by(RecordingRow.state)
    counts = {str(state): int(count) for state, count in db.execute(counted)}
    waits = RecordingFileRow.wanted & (RecordingFileRow.state != FileState.VERIFIED)
    in_store = (RecordingFileRow.state == FileState.VERIFIED) & RecordingFileRow.remote_removed_at.is_(None)
    sums = (
        select(
            _sum(RecordingFileRow.local_removed_at.is_(None)),
            _sum(waits),
            _sum(in_store),
            func.count().filter(RecordingFileRow.state == FileState.STORED),
        )
        .join(RecordingRow, RecordingRow.id == RecordingFileRow.recording_id)
        .where(RecordingRow.state != RecordingState.REMOVED, *mine)
    )
    local, waiting, verified, unverified = db.execute(sums).one()
    sent = (
        select(func.sum(UploadPartRow.bytes))
        .join(RecordingFileRow, RecordingFileRow.id == UploadPartRow.file_id)
        .join(RecordingRow, RecordingRow.id == RecordingFileRow.recording_id)
        .where(waits, RecordingRow.state != RecordingState.REMOVED, *mine)
    )
    # Where there is no store, a finished one waits for nothing.
    has_waiting = select(RecordingFileRow.id).where(RecordingFileRow.recording_id == RecordingRow.id, waits).exists()
    finished = (RecordingRow.state == RecordingState.FINISHED) & has_waiting
    unarchived = (RecordingRow.state == RecordingState.CLOSED) | finished
    over = func.coalesce(RecordingRow.ended_at, RecordingRow.since)
    oldest = select(RecordingRow).where(unarchived, *mine).order_by(over).limit(1)
    first = db.scalars(oldest).one_or_none()
    return Backlog(
        states={state: counts.get(state.value, 0) for state in RecordingState},
        local_bytes=int(local or 0),
        waiting_bytes=int(waiting or 0),
        waiting_sent_bytes=int(db.scalar(sent) or 0),
        verified_bytes=int(verified or 0),
        unverified_files=int(unverified or 0),
        oldest_unarchived_at=(first.ended_at or first.since) if first is not None else None,
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, RecordingFileRow.bytes), else_=0))
