"""The catalogue for the archiver: what is to be finished, what is to be uploaded, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from headend.model.recordings import Archive
from headend.model.store import place_of
from hooks_app.archive.finished import Finished
from hooks_app.archive.journal import StoredFile
from hooks_app.archive.object_keys import prefix_of
from hooks_app.archive.own_rows import OwnRows, shortened
from hooks_app.archive.part_file import PartName
from hooks_app.archive.states import FileState, RecordingState
from hooks_app.recording_tables import RecordingFileRow, RecordingRow, UploadPartRow

BASE_SECONDS = 10.0
CAP_SECONDS = 900.0
NO_ROOM_SECONDS = 60.0
"""How soon it is looked whether there is room by now."""
FINISH_ATTEMPTS = 5
"""After so many the raw parts are what is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToFinish:
    """A recording of which one file is to be made."""

    recording_id: int
    slug: str
    started_at: datetime
    parts: tuple[str, ...]
    """Names in the recording's folder, in the order in which they are joined."""
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToArchive:
    """A recording that is on its way to the store."""

    recording_id: int
    slug: str
    owner: str
    started_at: datetime
    session_id: int | None
    event_id: int | None
    prefix: str
    """Its folder in the store, without a slash at the end."""
    files: tuple[StoredFile, ...]
    """What is to be there and is not yet verified; none: `archived` is all that is left to do."""
    attempts: int


class Progress(OwnRows):
    """Moves recordings on."""

    # Not for secrets: it keeps archivers from coming back all at once.
    _dice = random.Random()  # noqa: S311

    def to_finish(self, now: datetime, limit: int = 20) -> list[ToFinish]:
        """Those that are closed and due, oldest first."""
        with self._database.read() as db:
            return [self._to_finish(db, row) for row in self._due(db, RecordingState.CLOSED, now, limit)]

    def finished(self, recording_id: int, result: Finished) -> bool:
        """The finisher is through; False where that was known. Without a video the raw parts are what is kept."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            if row.state != RecordingState.CLOSED:
                return False
            taken = {file.name: file for file in self._files(db, recording_id)}
            made = result.files()
            names = [file.name for _, file in made]
            if len(set(names)) < len(names) or taken.keys() & set(names):
                made, fault = [], "The finisher named two files alike."
            else:
                fault = result.fault or ("" if made else "The finisher made no video.")
            for kind, file in made:
                db.add(
                    RecordingFileRow(
                        recording_id=row.id,
                        kind=kind,
                        name=file.name,
                        bytes=file.bytes,
                        sha256=file.sha256,
                        made_at=self._here.clock.now(),
                        wanted=True,
                        state=FileState.LOCAL.value,
                    )
                )
            if made and result.video is not None:
                row.media_seconds, row.codecs = result.video.seconds, dict(result.video.codecs)
            else:
                _want_raw(taken.values())
            self._enter(row, RecordingState.FINISHED)
            row.fault = shortened(fault) if fault else None
            return True

    def failed_to_finish(self, recording_id: int, fault: str) -> bool:
        """The finisher could not be run, or died. True after the last attempt: the raw parts are what is kept."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            if row.state != RecordingState.CLOSED:
                return False
            self._put_off(row, fault)
            if row.attempts < FINISH_ATTEMPTS:
                return False
            _want_raw(self._files(db, recording_id))
            self._enter(row, RecordingState.FINISHED)
            return True

    def no_room_to_finish(self, recording_id: int, fault: str, patience: timedelta | None) -> bool:
        """The disk has no room for joining it: later, and as often as it takes. True when it has had none for longer
        than `patience`: the raw parts are what is kept.
        """
        with self._database.write() as db:
            row, now = self._recording(db, recording_id), self._here.clock.now()
            if row.state != RecordingState.CLOSED:
                return False
            # A time that lies ahead was written before the clock was set back.
            row.no_room_since = min(row.no_room_since or now, now)
            row.fault, row.due_at = shortened(fault), now + timedelta(seconds=NO_ROOM_SECONDS)
            if patience is None or now - row.no_room_since < patience:
                return False
            _want_raw(self._files(db, recording_id))
            self._enter(row, RecordingState.FINISHED)
            return True

    def to_archive(self, now: datetime, archive: Archive, limit: int = 10) -> list[ToArchive]:
        """Those that are finished and due, oldest first. Their place in the store is settled here.

        Once; but anew where the spec has another store, bucket or prefix since then: all their files are still here.
        """
        place = place_of(archive)
        with self._database.read() as db:
            due = self._due(db, RecordingState.FINISHED, now, limit)
            unsettled = [row.id for row in due if row.object_prefix is None or row.object_place != place]
        if unsettled:
            with self._database.write() as db:
                for recording_id in unsettled:
                    self._settle(db, self._recording(db, recording_id), archive)
        with self._database.read() as db:
            settled = (row for row in self._due(db, RecordingState.FINISHED, now, limit) if row.object_place == place)
            return [self._to_archive(db, row) for row in settled]

    def put_off(self, recording_id: int, fault: str) -> None:
        """Archiving failed: again after a while, 15 minutes at most."""
        with self._database.write() as db:
            self._put_off(self._recording(db, recording_id), fault)

    def archived(self, recording_id: int) -> bool:
        """Everything that is wanted is verified: it is archived. False where something lacks."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            wanted = [file for file in self._files(db, recording_id) if file.wanted]
            if row.state != RecordingState.FINISHED or not wanted:
                return False
            if any(file.state != FileState.VERIFIED or file.verified_at is None for file in wanted):
                return False
            if row.attempts:
                row.fault = None
            self._enter(row, RecordingState.ARCHIVED)
            row.archived_at = row.since
            return True

    def _due(self, db: Session, state: RecordingState, now: datetime, limit: int) -> list[RecordingRow]:
        query = select(RecordingRow).where(
            RecordingRow.host == self._here.host, RecordingRow.state == state, is_due(now)
        )
        return list(db.scalars(query.order_by(RecordingRow.started_at, RecordingRow.id).limit(limit)))

    def _put_off(self, row: RecordingRow, fault: str) -> None:
        row.attempts += 1
        # With full jitter. Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        seconds = self._dice.uniform(0.0, min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(row.attempts - 1, 10)))
        row.fault, row.due_at = shortened(fault), self._here.clock.now() + timedelta(seconds=seconds)

    def _to_finish(self, db: Session, row: RecordingRow) -> ToFinish:
        named = [PartName.of(file.name) for file in self._files(db, row.id) if file.kind == "raw"]
        parts = sorted((part for part in named if part is not None), key=lambda part: part.order)
        return ToFinish(
            recording_id=row.id,
            slug=row.slug,
            started_at=row.started_at,
            parts=tuple(part.name for part in parts),
            attempts=row.attempts,
        )

    def _settle(self, db: Session, row: RecordingRow, archive: Archive) -> None:
        files, place = self._files(db, row.id), place_of(archive)
        if row.object_place != place:
            for file in files:
                _unsettle(file)
            begun = delete(UploadPartRow).where(UploadPartRow.file_id.in_([file.id for file in files]))
            db.execute(begun)
            row.object_prefix = None
        if row.object_prefix is None:
            row.object_place = place
            row.object_prefix = prefix_of(
                archive.prefix,
                archive.key_layout,
                recording=row.id,
                slug=row.slug,
                owner=row.owner,
                started_at=row.started_at,
                event=row.event_id,
            )
        for file in files:
            if file.wanted and file.object_key is None:
                file.object_key = f"{row.object_prefix}/{file.name}"

    def _to_archive(self, db: Session, row: RecordingRow) -> ToArchive:
        missing = (file for file in self._files(db, row.id) if file.wanted and file.state != FileState.VERIFIED)
        return ToArchive(
            recording_id=row.id,
            slug=row.slug,
            owner=row.owner,
            started_at=row.started_at,
            session_id=row.session_id,
            event_id=row.event_id,
            prefix=row.object_prefix or "",
            files=tuple(stored_file(file) for file in missing),
            attempts=row.attempts,
        )


def stored_file(row: RecordingFileRow) -> StoredFile:
    """A row as the store needs it. Its key must be settled."""
    if row.object_key is None:
        raise ValueError(f"{row.name} of recording {row.recording_id} has no place in the store.")
    return StoredFile(
        id=row.id,
        name=row.name,
        kind=row.kind,
        bytes=row.bytes,
        sha256=row.sha256,
        state=FileState(row.state),
        object_key=row.object_key,
        upload_id=row.upload_id,
        part_bytes=row.part_bytes,
        checks=row.checks,
        etag=row.etag,
    )


def is_due(now: datetime) -> ColumnElement[bool]:
    """Whether a recording that failed is to be tried again, or never failed."""
    # A time that lies further ahead than any pause was written before the clock was set back.
    stepped = RecordingRow.due_at > now + timedelta(seconds=CAP_SECONDS + 60)
    return or_(RecordingRow.due_at.is_(None), RecordingRow.due_at <= now, stepped)


def _unsettle(file: RecordingFileRow) -> None:
    """Nothing of it is in the store that the spec has now, verified elsewhere or not."""
    file.state, file.object_key = FileState.LOCAL.value, None
    file.upload_id = file.part_bytes = file.checks = file.etag = file.verified_at = file.verified_by = None


def _want_raw(files: Iterable[RecordingFileRow]) -> None:
    for file in files:
        if file.kind == "raw":
            file.wanted = True
