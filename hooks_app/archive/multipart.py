"""A multipart upload: what the store has of it, its parts on their way beside each other, its end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.checks import checks
from hooks_app.archive.journal import Part
from hooks_app.archive.reading import PartHash, Reading, Slice
from hooks_app.archive.store_fault import StoppedError, StoreError, code, fault_of
from hooks_app.archive.throttle import Throttle

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

STOP_SECONDS = 5.0
"""Parts that are on their way when an end is asked for get so long to arrive."""
LOOK_SECONDS = 0.2

SPOILT = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall"})
"""The store does not have the parts that it said it had."""


class LostError(Exception):
    """The store does not know this upload, or not its parts."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A part as the store lists it."""

    bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Multipart:
    """An upload that the store knows by its id."""

    client: S3Client
    sender: S3Client
    """The one for data: it waits longer for an answer."""
    archive: Archive
    key: str
    upload_id: str

    @property
    def _names(self) -> dict[str, Any]:
        return {"Bucket": self.archive.bucket, "Key": self.key, "UploadId": self.upload_id}

    def listed(self, beat: Callable[[], None]) -> dict[int, Listed]:
        """The parts that the store has. Raises LostError, StoreError."""
        found: dict[int, Listed] = {}
        try:
            for page in self.client.get_paginator("list_parts").paginate(**self._names):
                beat()
                for part in page.get("Parts", []):
                    found[part["PartNumber"]] = Listed(part["Size"], part["ETag"].strip('"'))
        except ClientError as error:
            if code(error) == "NoSuchUpload":
                raise LostError from None
            raise fault_of(error, self.archive, self.key) from None
        except (BotoCoreError, OSError) as error:
            raise fault_of(error, self.archive, self.key) from None
        return found

    def send(
        self,
        descriptor: int,
        parts: Iterator[tuple[int, PartHash]],
        throttle: Throttle,
        sent: Callable[[Part], None],
        stop: Callable[[], bool],
        beat: Callable[[], None],
    ) -> None:
        """Send these parts, some at a time; `sent` is called on this thread. Raises LostError, StoreError.

        After a fault no other part is begun; those on their way are waited for, so that none is sent in vain.
        `beat` is called as bytes go out, not while they are waited for: who hangs is to be noticed.
        """
        halt = threading.Event()
        fault: Exception | None = None
        stop_at: float | None = None
        waiting: set[Future[Part]] = set()
        with ThreadPoolExecutor(self.archive.parallel_parts, "part") as pool:
            try:
                while True:
                    if stop_at is None and stop():
                        stop_at = time.monotonic() + STOP_SECONDS
                    if stop_at is not None and time.monotonic() > stop_at:
                        halt.set()
                    while len(waiting) < self.archive.parallel_parts and fault is None and stop_at is None:
                        number, part = next(parts, (0, None))
                        if part is None:
                            break
                        body = Slice(descriptor, part, throttle, halt.is_set, beat)
                        waiting.add(pool.submit(self._send, number, part, body))
                    if not waiting:
                        break
                    done, waiting = wait(waiting, LOOK_SECONDS, FIRST_COMPLETED)
                    for one in done:
                        error = one.exception()
                        if error is None:
                            sent(one.result())
                        elif isinstance(error, Exception):
                            fault = fault or error
            finally:
                halt.set()
        if stop_at is not None:
            raise StoppedError(f"{self.key}: stopped between two parts. It goes on the next time", retry=True)
        if fault is not None:
            raise self._fault(fault)

    def _send(self, number: int, part: PartHash, body: Slice) -> Part:
        more = checks(self.archive, part)
        answer = self.sender.upload_part(**self._names, PartNumber=number, Body=cast("Any", body), **more)
        return Part(number, part.length, part.md5.hex(), answer.get("ETag", "").strip('"'))

    def complete(self, parts: dict[int, Part], reading: Reading) -> str:
        """Make one object of it; returns its ETag. Raises LostError, StoreError; after either it may be done."""
        wanted: list[CompletedPartTypeDef] = []
        for number, part in enumerate(reading.parts, 1):
            one: CompletedPartTypeDef = {"PartNumber": number, "ETag": f'"{parts[number].etag}"'}
            if self.archive.checksums == "always":
                one["ChecksumCRC32"] = part.checksum
            wanted.append(one)
        try:
            answer = self.client.complete_multipart_upload(**self._names, MultipartUpload={"Parts": wanted})
        except (BotoCoreError, ClientError, OSError) as error:
            raise self._fault(error) from None
        return answer.get("ETag", "").strip('"')

    def abort(self) -> None:
        """Let the store forget it; where that fails it is stale, and aborted another day."""
        with contextlib.suppress(BotoCoreError, ClientError, OSError):
            self.client.abort_multipart_upload(**self._names)

    def _fault(self, error: Exception) -> Exception:
        if isinstance(error, StoreError):
            return error
        if isinstance(error, ClientError) and code(error) in SPOILT | {"NoSuchUpload"}:
            return LostError(code(error))
        return fault_of(error, self.archive, self.key)


def begin(client: S3Client, sender: S3Client, archive: Archive, options: dict[str, Any]) -> Multipart:
    """Begin one. Raises StoreError."""
    more = {"ChecksumAlgorithm": "CRC32"} if archive.checksums == "always" else {}
    try:
        answer = client.create_multipart_upload(**options, **cast("Any", more))
    except (BotoCoreError, ClientError, OSError) as error:
        raise fault_of(error, archive, options["Key"]) from None
    return Multipart(client, sender, archive, options["Key"], answer["UploadId"])
