"""The catalogue for manifests: what is in the store of a recording, and of its event."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hooks_app.archive.manifest import ArchivedEvent, ArchivedFile, ArchivedRecording
from hooks_app.archive.own_rows import OwnRows
from hooks_app.archive.states import FileState, RecordingState
from hooks_app.recording_tables import RecordingRow
from hooks_app.tables import EventRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What is written beside a recording's files, and for its event."""

    recording: ArchivedRecording
    event: ArchivedEvent | None
    recordings: tuple[ArchivedRecording, ...]
    """Of the event: this one, and those that are archived there already, on whichever host they were made."""


class ManifestRows(OwnRows):
    """Reads."""

    def manifests(self, recording_id: int) -> Manifests:
        """What there is of a recording whose files are in the store."""
        with self._database.read() as db:
            row = self._recording(db, recording_id)
            mine, (event, others) = self._archived(db, row), self._of_event(db, row)
        return Manifests(recording=mine, event=event, recordings=(mine, *others))

    def event_without(self, recording_id: int) -> tuple[ArchivedEvent | None, tuple[ArchivedRecording, ...]]:
        """The event of a recording that is about to leave the store, and what else of it is there."""
        with self._database.read() as db:
            return self._of_event(db, self._recording(db, recording_id))

    def _of_event(self, db: Session, row: RecordingRow) -> tuple[ArchivedEvent | None, tuple[ArchivedRecording, ...]]:
        """The event, and the recordings of it, but for that one, that are archived in the same place."""
        if row.event_id is None:
            return None, ()
        found = db.get_one(EventRow, row.event_id)
        event = ArchivedEvent(
            id=found.id, slug=found.slug, title=found.title, starts_at=found.starts_at, ends_at=found.ends_at
        )
        others = select(RecordingRow).where(
            RecordingRow.event_id == row.event_id,
            RecordingRow.state == RecordingState.ARCHIVED,
            RecordingRow.id != row.id,
            RecordingRow.object_place == row.object_place,
            RecordingRow.remote_removed_at.is_(None),
            RecordingRow.remote_removal_until.is_(None),
        )
        return event, tuple(self._archived(db, one) for one in db.scalars(others.order_by(RecordingRow.id)))

    def _archived(self, db: Session, row: RecordingRow) -> ArchivedRecording:
        return ArchivedRecording(
            id=row.id,
            slug=row.slug,
            owner=row.owner,
            host=row.host,
            number=row.number,
            started_at=row.started_at,
            ended_at=row.ended_at,
            media_seconds=row.media_seconds,
            codecs=row.codecs,
            files=[
                ArchivedFile(
                    name=file.name,
                    kind=file.kind,
                    key=file.object_key or "",
                    bytes=file.bytes,
                    sha256=file.sha256 or "",
                    etag=file.etag or "",
                    verified_by=file.verified_by or "",
                )
                for file in self._files(db, row.id)
                if file.state == FileState.VERIFIED and file.remote_removed_at is None
            ],
        )
