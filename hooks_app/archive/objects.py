"""What is asked of the store for an object, as the spec says: kind, class, encryption, lock. And what an object is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.store_fault import DeniedError, StoreError, fault_of, place, status

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KINDS = {
    ".mp4": "video/mp4",
    ".m4s": "video/iso.segment",
    ".ts": "video/mp2t",
    ".flv": "video/x-flv",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt",
    ".json": "application/json",
}


def content_type(name: str) -> str:
    """The media type that a browser is told."""
    return KINDS.get(PurePosixPath(name).suffix, "application/octet-stream")


def below_prefix(archive: Archive, key: str) -> bool:
    """Whether the key is ours: nothing of another prefix is ever touched."""
    return bool(key) and (not archive.prefix or key.startswith(f"{archive.prefix}/"))


def own_key(archive: Archive, key: str) -> None:
    """Raises StoreError for a key that is not below the prefix."""
    if not below_prefix(archive, key):
        words = f"the key is not below {archive.prefix}/. It is left alone: see what wrote it"
        raise StoreError(f"{place(archive, key)}: {words}", retry=False)


def new_object(archive: Archive, key: str, metadata: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The options of the request that makes it, but for the body."""
    options: dict[str, Any] = {
        "Bucket": archive.bucket,
        "Key": key,
        "ContentType": content_type(key),
        "Metadata": dict(metadata),
    }
    if archive.storage_class != "STANDARD":
        options["StorageClass"] = archive.storage_class
    if archive.encryption != "none":
        options["ServerSideEncryption"] = archive.encryption
    if archive.encryption == "aws:kms" and archive.kms_key_id is not None:
        options["SSEKMSKeyId"] = archive.kms_key_id
    if archive.object_lock != "none":
        options["ObjectLockMode"] = archive.object_lock.upper()
        options["ObjectLockRetainUntilDate"] = now + timedelta(days=archive.object_lock_days)
    return options


@dataclass(frozen=True, slots=True)
class Found:
    """What the store says of an object; nothing of it is believed before it is checked."""

    bytes: int
    etag: str
    sha256: str
    """That whoever put it there said; empty where nobody did."""
    locked: bool


def look(client: S3Client, archive: Archive, key: str) -> Found | None:
    """Ask the store; None where there is no such object. Raises StoreError."""
    try:
        answer = client.head_object(Bucket=archive.bucket, Key=key)
    except ClientError as error:
        if status(error) == 404:
            return None
        raise _reason(client, archive, key, error) from None
    except (BotoCoreError, OSError) as error:
        raise fault_of(error, archive, key) from None
    # Some stores give keys of metadata back in another case.
    said = {name.lower(): text for name, text in answer.get("Metadata", {}).items()}
    locked = answer.get("ObjectLockMode") is not None or answer.get("ObjectLockLegalHoldStatus") == "ON"
    return Found(answer.get("ContentLength", -1), answer.get("ETag", "").strip('"'), said.get("sha256", ""), locked)


def look_for(client: S3Client, archive: Archive, key: str) -> Found | None:
    """Likewise, of what may well not be there: None also where the store will not say.

    Amazon's answers 403 for what is not there to whoever may not list the whole bucket. If the key may nothing at all,
    the next request says so.
    """
    try:
        return look(client, archive, key)
    except DeniedError:
        return None


def _reason(client: S3Client, archive: Archive, key: str, error: ClientError) -> StoreError:
    """An answer to HEAD has no body, so only a number: the same as a GET is refused in words."""
    try:
        client.get_object(Bucket=archive.bucket, Key=key, Range="bytes=0-0")["Body"].close()
    except ClientError as worded:
        return fault_of(worded, archive, key)
    except (BotoCoreError, OSError) as broken:
        return fault_of(broken, archive, key)
    return fault_of(error, archive, key)
