"""The object store as the archiver sees it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.checks import checks, etag_counts
from hooks_app.archive.client import SENT_SECONDS, client_of
from hooks_app.archive.fetch import fetch, mislabels_pieces, read_object
from hooks_app.archive.journal import Journal, StoredFile
from hooks_app.archive.objects import look, new_object, own_key
from hooks_app.archive.presign import presigned
from hooks_app.archive.reading import PartHash
from hooks_app.archive.remote import remove
from hooks_app.archive.stale import Orphans, abort_stale
from hooks_app.archive.states import FileState
from hooks_app.archive.store_fault import StoppedError, StoreError, fault_of, place
from hooks_app.archive.upload import Uploader
from hooks_app.archive.verify import verify

__all__ = ["StoppedError", "Store", "StoreError"]


class Store:
    """One bucket, below one prefix. Uploads are one at a time; everything else may be asked by any thread."""

    def __init__(self, archive: Archive, secret: str, beat: Callable[[], None] = lambda: None) -> None:
        """`secret`: the secret access key. The network is not asked.

        `beat` is called, on any thread, whenever bytes move or an answer came: never by who only waits.
        """
        self._archive, self._beat = archive, beat
        self._client, self._sender = client_of(archive, secret), client_of(archive, secret, SENT_SECONDS)
        self._uploader = Uploader(self._client, self._sender, archive, beat)

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()
        self._sender.close()

    def upload(
        self,
        file: StoredFile,
        descriptor: int,
        journal: Journal,
        *,
        metadata: Mapping[str, str],
        stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> None:
        """Send a file, or what is missing of it; it is verified when this returns. Raises StoreError, StoppedError.

        `stop` is asked between parts and while a file is read, here or there. `progress` gets the bytes of each part
        that the store has taken, on this thread.
        """
        if file.state is FileState.VERIFIED:
            return
        reading = self._uploader.upload(file, descriptor, journal, metadata=metadata, stop=stop, progress=progress)
        self._beat()
        verify(self._client, self._archive, file, reading, journal, stop, self._beat)

    def abort_stale(self, orphans: Orphans, older_than: timedelta, now: datetime | None = None) -> int:
        """Abort multipart uploads below the prefix that are older, and that `orphans` picks; returns how many."""
        return abort_stale(self._client, self._archive, orphans, older_than, now or datetime.now(UTC), self._beat)

    def presigned(self, key: str, seconds: int) -> str:
        """A URL that is good for so long; at most seven days."""
        return presigned(self._client, self._archive, key, seconds)

    def put_text(self, key: str, text: str, metadata: Mapping[str, str]) -> None:
        """Put a small object there, and look whether it is there as it was sent. Raises StoreError."""
        own_key(self._archive, key)
        self._beat()
        data = text.encode()
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False)
        sent = PartHash(0, len(data), md5.digest(), zlib.crc32(data))
        options: dict[str, Any] = new_object(self._archive, key, {**metadata, "sha256": sha256}, datetime.now(UTC))
        try:
            self._client.put_object(**options, **checks(self._archive, sent), Body=data)
        except (BotoCoreError, ClientError, OSError) as error:
            raise fault_of(error, self._archive, key) from None
        found = look(self._client, self._archive, key)
        same = found is not None and found.bytes == len(data)
        if found is not None and same and not (etag_counts(self._archive) and found.etag == md5.hexdigest()):
            whole = hashlib.sha256()
            read_object(self._client, self._archive, key, len(data), whole.update, self._beat)
            same = whole.hexdigest() == sha256
        if not same:
            words = "what is there is not what was sent. It is sent again"
            raise StoreError(f"{place(self._archive, key)}: {words}", retry=True)

    def mislabels_pieces(self, key: str) -> bool:
        """Whether the store answers a range as if it were the whole object (200 for 206, RFC 9110 15.3.7).

        Raises StoreError. A store that knows no ranges, and gives all of it, does not.
        """
        own_key(self._archive, key)
        return mislabels_pieces(self._client, self._archive, key)

    def fetch(
        self,
        file: StoredFile,
        descriptor: int,
        stop: Callable[[], bool] = lambda: False,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        """Write the object into an open, empty file, and check its SHA-256. Raises StoreError, StoppedError.

        `moved` is called as bytes come.
        """
        own_key(self._archive, file.object_key)

        def move() -> None:
            self._beat()
            moved()

        fetch(self._client, self._archive, file, descriptor, stop, move)

    def remove(self, keys: Sequence[str], gone: Callable[[Sequence[str]], None] = lambda _keys: None) -> None:
        """Remove these objects; what is not there is no matter. Raises StoreError.

        `gone` is told which are not there any more, some at a time, also before a fault.
        """
        remove(self._client, self._archive, keys, self._beat, gone)
