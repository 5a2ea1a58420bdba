"""A file goes to the store: read, hashed, sent in one request or in parts, and written down as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import MIB, Archive
from hooks_app.archive.checks import checks, checks_of
from hooks_app.archive.journal import Journal, Part, StoredFile
from hooks_app.archive.multipart import LostError, Multipart, begin
from hooks_app.archive.objects import look_for, new_object, own_key
from hooks_app.archive.reading import Fingerprint, Reading, Slice, changed, read
from hooks_app.archive.states import FileState
from hooks_app.archive.store_fault import StoppedError, StoreError, fault_of, place
from hooks_app.archive.throttle import Throttle

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MOST_PARTS = 9000
"""S3 takes 10,000."""


def part_bytes_of(size_bytes: int, least_mib: int) -> int:
    """How big the parts of a file are: whole MiB, and so that there are never too many."""
    return max(least_mib, -(-size_bytes // (MOST_PARTS * MIB))) * MIB


class Uploader:
    """Sends files, one at a time; remembers what the last one's bytes said, for when it has to go on with it."""

    def __init__(self, client: S3Client, sender: S3Client, archive: Archive, beat: Callable[[], None]) -> None:
        """`sender` is the client for data: it waits longer for an answer. `beat` is called whenever bytes move."""
        self._client, self._sender, self._archive, self._beat = client, sender, archive, beat
        self._throttle = Throttle(archive.upload_kbps * 125)
        self._last: Reading | None = None
        events = sender.meta.events
        # The body is read once to sign the request, and once more as it goes out: only that is slowed down. The signer
        # listens to the whole service; whoever listens to one operation comes before it in any case.
        events.register_first("request-created.s3", _is_signed)
        events.register_last("request-created.s3", _goes_out)

    def reading(self, file: StoredFile, descriptor: int, journal: Journal, stop: Callable[[], bool]) -> Reading:
        """The file's hashes, told to the journal where it has none. Raises StoreError when they are not its own."""
        fingerprint = Fingerprint.of(descriptor)
        if fingerprint.bytes != file.bytes:
            words = f"it has {fingerprint.bytes} bytes, and was {file.bytes} when it was finished"
            raise StoreError(f"{file.name}: {words}. Look at the file: it is not sent", retry=False)
        part_bytes = file.part_bytes or part_bytes_of(file.bytes, self._archive.part_mib)
        last = self._last
        if last is None or (last.fingerprint, last.part_bytes) != (fingerprint, part_bytes):
            last = self._last = read(file.name, descriptor, part_bytes, stop, self._beat)
        if file.sha256 is None:
            journal.read(file.id, last.sha256)
        elif file.sha256 != last.sha256:
            words = "its SHA-256 is not what it was when it was finished"
            raise StoreError(f"{file.name}: {words}. Look at the file: it is not sent", retry=False)
        return last

    def upload(
        self,
        file: StoredFile,
        descriptor: int,
        journal: Journal,
        *,
        metadata: Mapping[str, str],
        stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> Reading:
        """Returns when the store has all of it, as it says. Raises StoreError."""
        own_key(self._archive, file.object_key)
        if file.state in (FileState.STORED, FileState.VERIFIED):
            return self.reading(file, descriptor, journal, stop)
        if file.bytes <= (file.part_bytes or part_bytes_of(file.bytes, self._archive.part_mib)):
            reading = self.reading(file, descriptor, journal, stop)
            etag = self._put(file, descriptor, reading, metadata, stop)
            progress(file.bytes)
        else:
            reading, etag = self._in_parts(file, descriptor, journal, metadata, stop, progress)
        if not Fingerprint.of(descriptor).same_content(reading.fingerprint):
            raise changed(file.name)
        journal.stored(file.id, etag)
        return reading

    def _put(
        self, file: StoredFile, descriptor: int, reading: Reading, metadata: Mapping[str, str], stop: Callable[[], bool]
    ) -> str:
        part = reading.parts[0]
        options = {**self._options(file, reading.sha256, metadata), **checks(self._archive, part)}
        body = Slice(descriptor, part, self._throttle, stop, self._beat)
        try:
            answer = self._sender.put_object(**options, Body=cast("Any", body))
        except (BotoCoreError, ClientError, OSError) as error:
            if stop():
                words = "stopped while it was sent. It goes on the next time"
                raise StoppedError(f"{file.name}: {words}", retry=True) from None
            raise fault_of(error, self._archive, file.object_key) from None
        return answer.get("ETag", "").strip('"')

    def _in_parts(
        self,
        file: StoredFile,
        descriptor: int,
        journal: Journal,
        metadata: Mapping[str, str],
        stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> tuple[Reading, str]:
        # First the store, then the file: a big one is not read for a store that is down.
        listed, upload = None, None
        if file.upload_id is not None:
            upload = Multipart(self._client, self._sender, self._archive, file.object_key, file.upload_id)
            try:
                listed = upload.listed(self._beat)
            except LostError:
                # Aborted by somebody; or complete, and whoever asked for that was killed before the answer.
                reading = self.reading(file, descriptor, journal, stop)
                if etag := self._there(file, reading):
                    return reading, etag
                journal.restart(file.id)
            else:
                if file.checks != checks_of(self._archive):
                    # Its parts must all be sent as it was begun, and the spec says otherwise since.
                    upload.abort()
                    journal.restart(file.id)
                    upload = listed = None
        else:
            look_for(self._client, self._archive, file.object_key)
        reading = self.reading(file, descriptor, journal, stop)
        have: dict[int, Part] = {}
        if upload is None or listed is None:
            upload = begin(self._client, self._sender, self._archive, self._options(file, reading.sha256, metadata))
            journal.begun(file.id, upload.upload_id, reading.part_bytes, checks_of(self._archive))
        else:
            known = journal.parts(file.id)
            for number, part in enumerate(reading.parts, 1):
                there, noted, md5 = listed.get(number), known.get(number), part.md5.hex()
                if there is None or there.bytes != part.length:
                    continue
                if noted is not None and (noted.md5, noted.etag) == (md5, there.etag):
                    have[number] = noted
                elif there.etag == md5:
                    # It arrived, and whoever sent it was killed before that was written down.
                    have[number] = Part(number, part.length, md5, there.etag)
                    journal.sent(file.id, have[number])

        def sent(part: Part) -> None:
            journal.sent(file.id, part)
            have[part.number] = part
            self._beat()
            progress(part.bytes)

        missing = ((number, part) for number, part in enumerate(reading.parts, 1) if number not in have)
        try:
            upload.send(descriptor, missing, self._throttle, sent, stop, self._beat)
            if not Fingerprint.of(descriptor).same_content(reading.fingerprint):
                raise changed(file.name)
            return reading, self._complete(upload, file, have, reading)
        except LostError as error:
            journal.restart(file.id)
            upload.abort()
            words = f"the store has lost this upload ({error}). It begins anew"
            raise StoreError(f"{place(self._archive, file.object_key)}: {words}", retry=True) from None

    def _complete(self, upload: Multipart, file: StoredFile, have: dict[int, Part], reading: Reading) -> str:
        try:
            return upload.complete(have, reading)
        except (LostError, StoreError):
            # It may be done all the same: the answer was lost, or a repetition found nothing left to do.
            self._beat()
            if etag := self._there(file, reading):
                return etag
            raise

    def _there(self, file: StoredFile, reading: Reading) -> str:
        """The ETag of the object if it may be this file: what it really is, is verified in any case. Else empty."""
        found = look_for(self._client, self._archive, file.object_key)
        if found is None or found.bytes != file.bytes:
            return ""
        return found.etag if found.etag == reading.etag or found.sha256 == reading.sha256 else ""

    def _options(self, file: StoredFile, sha256: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        return new_object(self._archive, file.object_key, {**metadata, "sha256": sha256}, datetime.now(UTC))


def _is_signed(request: Any, **_: Any) -> None:
    if isinstance(request.data, Slice):
        request.data.going_out = False


def _goes_out(request: Any, **_: Any) -> None:
    if isinstance(request.data, Slice):
        request.data.going_out = True
