"""The catalogue for URLs by which recordings are watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from hooks_app.archive.own_rows import OwnRows
from hooks_app.archive.states import RecordingState
from hooks_app.recording_tables import RecordingFileRow, RecordingRow
from hooks_app.replays import REPLAYED


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable:
    """A recording that is to have URLs, or other ones."""

    recording_id: int
    video_id: int
    video_name: str
    keys: Mapping[int, str]
    """Keys of its files in the store, by the files' ids."""


class ReplayRows(OwnRows):
    """Reads what is due, and writes down what was made."""

    def replays_due(self, now: datetime, ahead: timedelta, limit: int = 50) -> list[Replayable]:
        """Archived ones whose file that plays has no URL, or one that is good for less than `ahead`."""
        due = (
            select(RecordingFileRow)
            .join(RecordingRow, RecordingRow.id == RecordingFileRow.recording_id)
            .where(
                RecordingRow.host == self._here.host,
                RecordingRow.state == RecordingState.ARCHIVED,
                RecordingRow.removal_asked_at.is_(None),
                RecordingFileRow.kind == "video",
                RecordingFileRow.object_key.is_not(None),
                RecordingFileRow.remote_removed_at.is_(None),
                or_(RecordingFileRow.replay_url.is_(None), RecordingFileRow.replay_until <= now + ahead),
            )
            .order_by(RecordingFileRow.recording_id)
            .limit(limit)
        )
        with self._database.read() as db:
            return [
                Replayable(
                    recording_id=video.recording_id,
                    video_id=video.id,
                    video_name=video.name,
                    keys={
                        file.id: file.object_key
                        for file in self._files(db, video.recording_id)
                        if file.kind in REPLAYED and file.object_key is not None and file.remote_removed_at is None
                    },
                )
                for video in db.scalars(due)
            ]

    def note_replay(
        self,
        recording_id: int,
        url: str,
        until: datetime | None,
        files: Mapping[int, str],
        files_until: datetime | None,
    ) -> None:
        """Where it is watched, and where the store gives each of its files; None: for good."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            row.replay_url, row.replay_until = url, until
            for file in self._files(db, recording_id):
                if file.id in files:
                    file.replay_url, file.replay_until = files[file.id], files_until
