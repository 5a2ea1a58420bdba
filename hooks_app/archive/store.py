"""The object store as the archiver sees it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.client import SENT_SECONDS, client_of
from hooks_app.archive.fetch import fetch, mislabels_pieces, read_object
from hooks_app.archive.journal import Journal, StoredFile
from hooks_app.archive.objects import look, new_object, own_key
from hooks_app.archive.presign import presigned
from hooks_app.archive.remote import remove
from hooks_app.archive.stale import abort_stale
from hooks_app.archive.states import FileState
from hooks_app.archive.store_fault import StoppedError, StoreError, fault_of, place
from hooks_app.archive.upload import Uploader
from hooks_app.archive.verify import verify

__all__ = ["StoppedError", "Store", "StoreError"]


class Store:
    """One bucket, below one prefix. Uploads are one at a time; everything else may be asked by any thread."""

    def __init__(self, archive: Archive, secret: str) -> None:
        """`secret`: the secret access key. The network is not asked."""
        self._archive = archive
        self._client, self._sender = client_of(archive, secret), client_of(archive, secret, SENT_SECONDS)
        self._uploader = Uploader(self._client, self._sender, archive)

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

        `stop` is asked between parts and while the file is read. `progress` gets the bytes of each part that the store
        has taken, on this thread.
        """
        if file.state is FileState.VERIFIED:
            return
        reading = self._uploader.upload(file, descriptor, journal, metadata=metadata, stop=stop, progress=progress)
        verify(self._client, self._archive, file, reading, journal, stop)

    def abort_stale(self, known: Collection[str], older_than: timedelta, now: datetime | None = None) -> int:
        """Abort multipart uploads below the prefix that are not `known` and older; returns how many."""
        return abort_stale(self._client, self._archive, known, older_than, now or datetime.now(UTC))

    def presigned(self, key: str, seconds: int) -> str:
        """A URL that is good for so long; at most seven days."""
        return presigned(self._client, self._archive, key, seconds)

    def put_text(self, key: str, text: str, metadata: Mapping[str, str]) -> None:
        """Put a small object there, and look whether it is there as it was sent. Raises StoreError."""
        own_key(self._archive, key)
        data = text.encode()
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False)
        options: dict[str, Any] = new_object(self._archive, key, {**metadata, "sha256": sha256}, datetime.now(UTC))
        try:
            self._client.put_object(**options, Body=data, ContentMD5=base64.b64encode(md5.digest()).decode())
        except (BotoCoreError, ClientError, OSError) as error:
            raise fault_of(error, self._archive, key) from None
        found = look(self._client, self._archive, key)
        same = found is not None and found.bytes == len(data)
        if found is not None and same and found.etag != md5.hexdigest():
            whole = hashlib.sha256()
            read_object(self._client, self._archive, key, len(data), whole.update)
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

    def fetch(self, file: StoredFile, descriptor: int) -> None:
        """Write the object into an open, empty file, and check its SHA-256. Raises StoreError."""
        own_key(self._archive, file.object_key)
        fetch(self._client, self._archive, file, descriptor)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove these objects; what is not there is no matter. Raises StoreError."""
        remove(self._client, self._archive, keys)
