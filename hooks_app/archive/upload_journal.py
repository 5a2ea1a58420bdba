"""The journal of uploads, in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import delete, select

from hooks_app.archive.journal import Begun, Part
from hooks_app.archive.own_rows import OwnRows
from hooks_app.archive.states import FileState
from hooks_app.recording_tables import RecordingFileRow, UploadPartRow

AT_A_TIME = 500
"""Values in one statement."""


class ChangedError(Exception):
    """A file is not what it was: one sentence for people. It is not to be uploaded."""


class UploadJournal(OwnRows):
    """Implements hooks_app.archive.journal.Journal."""

    def parts(self, file_id: int) -> dict[int, Part]:
        """The parts that the store has, by number."""
        query = select(UploadPartRow).where(UploadPartRow.file_id == file_id).order_by(UploadPartRow.number)
        with self._database.read() as db:
            return {row.number: Part(row.number, row.bytes, row.md5, row.etag) for row in db.scalars(query)}

    def begun(self, file_id: int, upload_id: str, part_bytes: int, checks: str) -> None:
        """A multipart upload was begun."""
        with self._database.write() as db:
            row = self._file(db, file_id)
            db.execute(delete(UploadPartRow).where(UploadPartRow.file_id == file_id))
            row.state, row.upload_id, row.part_bytes, row.etag = FileState.UPLOADING.value, upload_id, part_bytes, None
            row.checks = checks

    def sent(self, file_id: int, part: Part) -> None:
        """The store has taken a part; a second time it takes the place of the first."""
        with self._database.write() as db:
            self._file(db, file_id)
            db.merge(
                UploadPartRow(
                    file_id=file_id,
                    number=part.number,
                    bytes=part.bytes,
                    md5=part.md5,
                    etag=part.etag,
                    at=self._here.clock.now(),
                )
            )

    def read(self, file_id: int, sha256: str) -> None:
        """The hash of what was read here. Raises ChangedError where it was another one before."""
        with self._database.write() as db:
            row = self._file(db, file_id)
            if row.sha256 is not None and row.sha256 != sha256:
                raise ChangedError(f"{row.name} of recording {row.recording_id} has changed since it was finished.")
            row.sha256 = sha256

    def stored(self, file_id: int, etag: str) -> None:
        """The store says that it has all of it."""
        with self._database.write() as db:
            row = self._file(db, file_id)
            row.state, row.etag, row.upload_id = FileState.STORED.value, etag, None

    def verified(self, file_id: int, how: Literal["etag", "reread"]) -> None:
        """What the store has is what is here. Raises ValueError for what the store does not have."""
        with self._database.write() as db:
            row = self._file(db, file_id)
            if row.state == FileState.VERIFIED:
                return
            if row.state != FileState.STORED or row.sha256 is None:
                raise ValueError(f"File {file_id} is {row.state}: it cannot be verified.")
            row.state, row.verified_by, row.verified_at = FileState.VERIFIED.value, how, self._here.clock.now()
            db.execute(delete(UploadPartRow).where(UploadPartRow.file_id == file_id))

    def restart(self, file_id: int) -> None:
        """Parts, upload and etag are forgotten: from the beginning. What was verified stays so."""
        with self._database.write() as db:
            row = self._file(db, file_id)
            if row.state == FileState.VERIFIED:
                return
            db.execute(delete(UploadPartRow).where(UploadPartRow.file_id == file_id))
            row.state, row.upload_id, row.part_bytes, row.etag = FileState.LOCAL.value, None, None, None
            row.checks = None

    def orphans(self, begun: Sequence[Begun]) -> list[Begun]:
        """Those of them to keys of ours that are not under way. To other keys another database may be sending."""
        keys, ours = sorted({upload.key for upload in begun}), set[str | None]()
        with self._database.read() as db:
            for first in range(0, len(keys), AT_A_TIME):
                some = RecordingFileRow.object_key.in_(keys[first : first + AT_A_TIME])
                ours.update(db.scalars(select(RecordingFileRow.object_key).where(some)))
        known = self.upload_ids()
        return [upload for upload in begun if upload.key in ours and upload.upload_id not in known]

    def upload_ids(self) -> set[str]:
        """Of every upload that is under way, those of other hosts on this database included."""
        query = select(RecordingFileRow.upload_id).where(RecordingFileRow.upload_id.is_not(None))
        with self._database.read() as db:
            return {upload_id for upload_id in db.scalars(query) if upload_id is not None}
