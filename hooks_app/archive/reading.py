"""A file as it is read here: the hash of all of it, and of each part as the store will have them."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from hooks_app.archive.store_fault import StoppedError, StoreError
from hooks_app.archive.throttle import Throttle

BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What changes when somebody writes to a file."""

    device: int
    inode: int
    bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, descriptor: int) -> Fingerprint:
        """As it is now."""
        info = os.fstat(descriptor)
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)

    def same_content(self, other: Fingerprint) -> bool:
        """Whether nobody wrote in between; a new name or mode is no matter."""
        return (self.bytes, self.modified_ns) == (other.bytes, other.modified_ns)


@dataclass(frozen=True, slots=True)
class PartHash:
    """Of what stands in the file between two places."""

    offset: int
    length: int
    md5: bytes
    crc32: int

    @property
    def content_md5(self) -> str:
        """As the Content-MD5 header has it."""
        return base64.b64encode(self.md5).decode()

    @property
    def checksum(self) -> str:
        """As x-amz-checksum-crc32 has it."""
        return base64.b64encode(self.crc32.to_bytes(4, "big")).decode()


@dataclass(frozen=True)
class Reading:
    """What one pass over the file said."""

    fingerprint: Fingerprint
    part_bytes: int
    sha256: str
    parts: tuple[PartHash, ...]
    """At least one; of an empty file one that is empty."""

    @property
    def in_one(self) -> bool:
        """Whether it goes in a single request."""
        return len(self.parts) == 1

    @cached_property
    def etag(self) -> str:
        """The ETag that S3 gives to it: the MD5, or the MD5 of the parts' MD5s with their number."""
        if self.in_one:
            return self.parts[0].md5.hex()
        whole = hashlib.md5(b"".join(part.md5 for part in self.parts), usedforsecurity=False)
        return f"{whole.hexdigest()}-{len(self.parts)}"


def read(name: str, descriptor: int, part_bytes: int, stop: Callable[[], bool], beat: Callable[[], None]) -> Reading:
    """Read the file from its start to its end. Raises StoreError when it changes meanwhile, StoppedError."""
    before = Fingerprint.of(descriptor)
    whole, offset = hashlib.sha256(), 0
    parts: list[PartHash] = []
    while offset < before.bytes or not parts:
        length = min(part_bytes, before.bytes - offset)
        md5, crc32, at = hashlib.md5(usedforsecurity=False), 0, offset
        while at < offset + length:
            if stop():
                raise StoppedError(f"{name}: stopped while it was read. It goes on the next time", retry=True)
            beat()
            block = os.pread(descriptor, min(BLOCK_BYTES, offset + length - at), at)
            if not block:
                raise changed(name)
            whole.update(block)
            md5.update(block)
            crc32 = zlib.crc32(block, crc32)
            at += len(block)
        parts.append(PartHash(offset, length, md5.digest(), crc32))
        offset += length
    if not Fingerprint.of(descriptor).same_content(before):
        raise changed(name)
    return Reading(before, part_bytes, whole.hexdigest(), tuple(parts))


def changed(name: str) -> StoreError:
    """The sentence for a file that somebody writes to."""
    return StoreError(f"{name}: somebody changed it while it was read or sent. It is tried again", retry=True)


class Slice:
    """A part of the file as a request's body: read where it stands, as it goes out."""

    def __init__(
        self,
        descriptor: int,
        part: PartHash,
        throttle: Throttle,
        halted: Callable[[], bool],
        beat: Callable[[], None],
    ) -> None:
        self._descriptor, self._part, self._throttle, self._halted = descriptor, part, throttle, halted
        self._beat = beat
        self._at = 0
        self.going_out = False
        """Else it is read to sign the request, which nothing slows down."""

    def __len__(self) -> int:
        return self._part.length

    def read(self, amount: int | None = -1) -> bytes:
        """The next bytes; none at the end of the part."""
        left = self._part.length - self._at
        want = left if amount is None or amount < 0 else min(amount, left)
        if self._halted():
            raise StoppedError("stopped in the midst of a part. It goes on the next time", retry=True)
        # Whoever sends asks for more only when what it had has gone out.
        self._beat()
        data = os.pread(self._descriptor, want, self._part.offset + self._at) if want else b""
        self._at += len(data)
        if self.going_out:
            self._throttle.take(len(data))
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the part."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._part.length}[whence]
        self._at = max(0, min(base + offset, self._part.length))
        return self._at

    def tell(self) -> int:
        """Where the next bytes come from."""
        return self._at
