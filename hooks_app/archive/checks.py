"""What a request carries so that the store notices what was damaged on the way. Never what proves that it has it.

The MD5 of what is sent is kept to ourselves: by it the store's ETag is judged. On the way the bytes are covered by the
request's signature, which holds their SHA-256.
"""

from __future__ import annotations

from typing import Any, Literal

from headend.model.recordings import Archive
from hooks_app.archive.reading import PartHash

Checks = Literal["crc32", "md5", "none"]


def checks_of(archive: Archive) -> Checks:
    """Which. S3 takes what it is to lock only with one: where no other is wanted, that has to be the MD5."""
    if archive.checksums == "always":
        return "crc32"
    return "none" if archive.object_lock == "none" else "md5"


def checks(archive: Archive, sent: PartHash) -> dict[str, Any]:
    """As boto3 has it, for a request that sends this."""
    known: dict[Checks, dict[str, Any]] = {
        "crc32": {"ChecksumAlgorithm": "CRC32", "ChecksumCRC32": sent.checksum},
        "md5": {"ContentMD5": sent.content_md5},
        "none": {},
    }
    return known[checks_of(archive)]


def etag_counts(archive: Archive) -> bool:
    """Whether an ETag that is the MD5 says that the store had the bytes: it was not told."""
    return checks_of(archive) != "md5"
