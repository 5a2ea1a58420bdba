"""Is the object what the file is? Never by what the store merely repeats."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.checks import etag_counts
from hooks_app.archive.fetch import read_object
from hooks_app.archive.journal import Journal, StoredFile
from hooks_app.archive.objects import Found, look
from hooks_app.archive.reading import Reading
from hooks_app.archive.store_fault import StoppedError, StoreError, place

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def verify(
    client: S3Client,
    archive: Archive,
    file: StoredFile,
    reading: Reading,
    journal: Journal,
    stop: Callable[[], bool],
    beat: Callable[[], None],
) -> None:
    """Tell the journal that it is, or that everything begins anew. Raises StoreError.

    The ETag counts only where it is the one that was computed here from what was read here, and no request has told it
    (hooks_app/archive/checks.py): then the store had the bytes. With any other ETag every byte is read back.
    """
    found = look(client, archive, file.object_key)
    if found is None:
        journal.restart(file.id)
        words = "the store said that it has it, and has not. It is sent again"
        raise StoreError(f"{place(archive, file.object_key)}: {words}", retry=True)
    how = compared(client, archive, file.object_key, found, reading, stop, beat)
    if how is None:
        journal.restart(file.id)
        if found.sha256 == reading.sha256 and not found.locked:
            # Ours. Where the key may not remove it, the next upload takes its place.
            with contextlib.suppress(BotoCoreError, ClientError):
                client.delete_object(Bucket=archive.bucket, Key=file.object_key)
        words = "what is there is not what was sent. It is sent again"
        raise StoreError(f"{place(archive, file.object_key)}: {words}", retry=True)
    journal.verified(file.id, how)


def compared(
    client: S3Client,
    archive: Archive,
    key: str,
    found: Found,
    reading: Reading,
    stop: Callable[[], bool],
    beat: Callable[[], None],
) -> Literal["etag", "reread"] | None:
    """How it was found to be the same; None: it is not. Raises StoreError where that could not be found out."""
    if found.bytes != reading.fingerprint.bytes:
        return None
    if etag_counts(archive) and found.etag == reading.etag:
        return "etag"
    whole = hashlib.sha256()

    def take(block: memoryview | bytes) -> None:
        if stop():
            raise StoppedError(f"{place(archive, key)}: stopped while it was read back. It is done anew", retry=True)
        whole.update(block)

    read_object(client, archive, key, found.bytes, take, beat)
    return "reread" if whole.hexdigest() == reading.sha256 else None
