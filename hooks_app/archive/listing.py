"""Recordings as documents, for programs on the host."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from headend.model.recordings import Archive
from hooks_app.archive.places import elsewhere
from hooks_app.database import Database
from hooks_app.recording_tables import RecordingFileRow, RecordingRow


def listed(database: Database, host: str, limit: int, archive: Archive | None) -> list[dict[str, Any]]:
    """A host's recordings with their files, the newest first; `archive` is the spec's. Raises SQLAlchemyError."""
    query = select(RecordingRow).where(RecordingRow.host == host).order_by(RecordingRow.id.desc()).limit(limit)
    with database.read() as db:
        rows = list(db.scalars(query))
        files: dict[int, list[dict[str, Any]]] = {row.id: [] for row in rows}
        mine = select(RecordingFileRow).where(RecordingFileRow.recording_id.in_(list(files)))
        for file in db.scalars(mine.order_by(RecordingFileRow.id)):
            files[file.recording_id].append(_file(file))
        return [_recording(row, archive) | {"files": files[row.id]} for row in rows]


def _recording(row: RecordingRow, archive: Archive | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "slug": row.slug,
        "session": row.session_id,
        "event": row.event_id,
        "state": row.state,
        "started_at": f"{row.started_at:%Y-%m-%dT%H:%M:%SZ}",
        "media_seconds": row.media_seconds,
        "codecs": row.codecs,
        "fault": row.fault or elsewhere(row, archive),
        "held": row.held_at is not None,
    }


def _file(row: RecordingFileRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "state": row.state,
        "verified_by": row.verified_by,
        "object_key": row.object_key,
        "here": row.local_removed_at is None,
    }
