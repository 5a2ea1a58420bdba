"""Whether a recording is where the spec says now. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headend.model.recordings import Archive, Recordings
from headend.model.store import place_of
from hooks_app.archive.states import RecordingState

if TYPE_CHECKING:
    from hooks_app.recording_tables import RecordingRow


def place_in(settings: Recordings) -> str | None:
    """Where recordings go now; None where the spec names no store."""
    return place_of(settings.archive) if settings.archive is not None else None


def elsewhere(row: RecordingRow, archive: Archive | None) -> str | None:
    """One sentence where the store's copy is out of reach; None where it is not, or where there is none yet."""
    if row.state != RecordingState.ARCHIVED or row.remote_removed_at is not None:
        return None
    remedy = "it is watched, restored and removed again once recordings.archive names that"
    if archive is None:
        return f"The recording is in {row.object_place}, and the spec names no store: {remedy}."
    if row.object_place == place_of(archive):
        return None
    return f"The recording is in {row.object_place}, and the spec names {place_of(archive)}: {remedy}."
