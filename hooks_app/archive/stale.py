"""Multipart uploads that nobody will end: a store keeps their parts, and bills them, for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.journal import Begun
from hooks_app.archive.objects import below_prefix
from hooks_app.archive.store_fault import code, fault_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


Orphans = Callable[[Sequence[Begun]], Sequence[Begun]]
"""Picks those that are ours and that nobody will end."""


def abort_stale(
    client: S3Client,
    archive: Archive,
    orphans: Orphans,
    older_than: timedelta,
    now: datetime,
    beat: Callable[[], None],
) -> int:
    """Abort uploads below our own prefix that are older, and orphans; returns how many. Raises StoreError."""
    prefix = f"{archive.prefix}/" if archive.prefix else ""
    stale: list[Begun] = []
    try:
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=archive.bucket, Prefix=prefix)
        for page in pages:
            beat()
            for listed in page.get("Uploads", []):
                if below_prefix(archive, listed["Key"]) and now - listed["Initiated"] >= older_than:
                    stale.append(Begun(listed["Key"], listed["UploadId"]))
    except ClientError as error:
        # What some stores say where there is none.
        if code(error) != "NoSuchUpload":
            raise fault_of(error, archive, prefix) from None
    except (BotoCoreError, OSError) as error:
        raise fault_of(error, archive, prefix) from None
    aborted = 0
    for upload in orphans(stale):
        beat()
        try:
            client.abort_multipart_upload(Bucket=archive.bucket, Key=upload.key, UploadId=upload.upload_id)
            aborted += 1
        except ClientError as error:
            if code(error) != "NoSuchUpload":
                raise fault_of(error, archive, upload.key) from None
        except (BotoCoreError, OSError) as error:
            raise fault_of(error, archive, upload.key) from None
    return aborted
