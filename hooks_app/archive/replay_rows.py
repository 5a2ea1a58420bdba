"""The catalogue for URLs by which recordings are watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

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

    def replays_due(
        self, now: datetime, ahead: timedelta, place: str, made_by: str, limit: int = 50
    ) -> list[Replayable]:
        """Those archived in this place whose file that plays has no URL, or one that is good for less than `ahead`,
        or one that other settings made. The newest first: one that always fails keeps nobody waiting who comes later.
        """
        due = (
            select(RecordingFileRow)
            .join(RecordingRow, RecordingRow.id == RecordingFileRow.recording_id)
            .where(
                RecordingRow.host == self._here.host,
                RecordingRow.state == RecordingState.ARCHIVED,
                RecordingRow.removal_asked_at.is_(None),
                RecordingRow.object_place == place,
                RecordingFileRow.kind == "video",
                RecordingFileRow.object_key.is_not(None),
                RecordingFileRow.remote_removed_at.is_(None),
                or_(
                    RecordingFileRow.replay_url.is_(None),
                    RecordingFileRow.replay_until <= now + ahead,
                    RecordingRow.replay_made_by.is_distinct_from(made_by),
                ),
            )
            .order_by(RecordingFileRow.recording_id.desc())
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
        made_by: str,
    ) -> None:
        """Where it is watched, and where the store gives each of its files; None: for good."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            row.replay_url, row.replay_until, row.replay_made_by = url, until, made_by
            for file in self._files(db, recording_id):
                if file.id in files:
                    file.replay_url, file.replay_until = files[file.id], files_until

    def forget_replays(self, place: str | None) -> None:
        """Recordings that are not in this place are not watched any more; None: none is."""
        mine = [RecordingRow.host == self._here.host]
        if place is not None:
            mine.append(RecordingRow.object_place.is_distinct_from(place))
        nothing = {"replay_url": None, "replay_until": None}
        ids = select(RecordingRow.id).where(*mine)
        urls = RecordingFileRow.recording_id.in_(ids) & RecordingFileRow.replay_url.is_not(None)
        with self._database.write() as db:
            db.execute(update(RecordingFileRow).where(urls).values(nothing))
            db.execute(update(RecordingRow).where(*mine, RecordingRow.replay_url.is_not(None)).values(nothing))
