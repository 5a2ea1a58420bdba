"""Multipart uploads that nobody will end: a store keeps their parts, and bills them, for ever."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.objects import below_prefix
from hooks_app.archive.store_fault import code, fault_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def abort_stale(
    client: S3Client, archive: Archive, known: Collection[str], older_than: timedelta, now: datetime
) -> int:
    """Abort uploads below our own prefix that are not known and older; returns how many. Raises StoreError."""
    prefix = f"{archive.prefix}/" if archive.prefix else ""
    stale: list[tuple[str, str]] = []
    try:
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=archive.bucket, Prefix=prefix)
        for page in pages:
            for upload in page.get("Uploads", []):
                ours = below_prefix(archive, upload["Key"]) and upload["UploadId"] not in known
                if ours and now - upload["Initiated"] >= older_than:
                    stale.append((upload["Key"], upload["UploadId"]))
    except (BotoCoreError, ClientError, OSError) as error:
        raise fault_of(error, archive, prefix) from None
    aborted = 0
    for key, upload_id in stale:
        try:
            client.abort_multipart_upload(Bucket=archive.bucket, Key=key, UploadId=upload_id)
            aborted += 1
        except ClientError as error:
            if code(error) != "NoSuchUpload":
                raise fault_of(error, archive, key) from None
        except (BotoCoreError, OSError) as error:
            raise fault_of(error, archive, key) from None
    return aborted
