"""An object comes back: ranges that go on where a connection broke, and its hash over all that came."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from headend.model.recordings import Archive
from hooks_app.archive.folders import write_all
from hooks_app.archive.journal import StoredFile
from hooks_app.archive.store_fault import StoppedError, StoreError, fault_of, place

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CHUNK_BYTES = 64 * 1024
"""What a connection brought before it broke counts, but for less than this."""
BREAKS = 5
"""So many connections in a row may break without a byte before it is a fault."""


def read_object(
    client: S3Client,
    archive: Archive,
    key: str,
    size_bytes: int,
    take: Callable[[memoryview | bytes], None],
    beat: Callable[[], None],
) -> None:
    """Hand over every byte of an object, in order. Raises StoreError, also when it is longer or shorter.

    `beat` is called as bytes come, and after a connection that broke.
    """
    at, breaks = 0, 0
    while at < size_bytes or (size_bytes == 0 and breaks == 0):
        beat()
        try:
            if at:
                answer = client.get_object(Bucket=archive.bucket, Key=key, Range=f"bytes={at}-")
            else:
                answer = client.get_object(Bucket=archive.bucket, Key=key)
            # Not by the status: some stores say 200, and mean this.
            if at and not answer.get("ContentRange", "").startswith(f"bytes {at}-"):
                words = "the store cannot go on within an object. It is tried from the start"
                raise StoreError(f"{place(archive, key)}: {words}", retry=True)
            if at + answer["ContentLength"] != size_bytes:
                raise StoreError(
                    f"{place(archive, key)}: it is not {size_bytes} bytes long. It is not used", retry=False
                )
            for block in answer["Body"].iter_chunks(CHUNK_BYTES):
                beat()
                take(block)
                at += len(block)
                breaks = 0
            if size_bytes == 0:
                return
        except ClientError as error:
            raise fault_of(error, archive, key) from None
        except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
            breaks += 1
            if breaks >= BREAKS:
                raise fault_of(error, archive, key) from None


def mislabels_pieces(client: S3Client, archive: Archive, key: str) -> bool:
    """Whether a range is answered with the status of a whole object. Raises StoreError."""
    try:
        answer = client.get_object(Bucket=archive.bucket, Key=key, Range="bytes=0-0")
        # What more may come is not wanted.
        answer["Body"].close()
    except ClientError as error:
        raise fault_of(error, archive, key) from None
    except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
        raise fault_of(error, archive, key) from None
    return "ContentRange" in answer and answer["ResponseMetadata"]["HTTPStatusCode"] != 206


def fetch(
    client: S3Client,
    archive: Archive,
    file: StoredFile,
    descriptor: int,
    stop: Callable[[], bool],
    moved: Callable[[], None],
) -> None:
    """Write the object into an open, empty file; whole, and its SHA-256 right, when this returns.

    `moved` is called as bytes come. Raises StoreError, StoppedError; after either the file is empty again.
    """
    if file.sha256 is None:
        raise StoreError(f"{file.name}: its SHA-256 is not known. Fetch it by hand", retry=False)
    whole = hashlib.sha256()

    def take(block: memoryview | bytes) -> None:
        if stop():
            words = "stopped while it was fetched. It is fetched anew the next time"
            raise StoppedError(f"{place(archive, file.object_key)}: {words}", retry=True)
        whole.update(block)
        write_all(descriptor, block)

    try:
        read_object(client, archive, file.object_key, file.bytes, take, moved)
        if whole.hexdigest() != file.sha256:
            words = "its SHA-256 is not what was archived. Look at the object: it is not used"
            raise StoreError(f"{place(archive, file.object_key)}: {words}", retry=False)
        os.fsync(descriptor)
    except BaseException as error:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        if isinstance(error, OSError):
            words = f"cannot be written here: {error.strerror}. Make room, or see to the disk"
            raise StoreError(f"{file.name}: {words}", retry=True) from None
        raise
