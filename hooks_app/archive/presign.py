"""An address of the store that lets whoever has it watch one object, for some time."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from headend.model.recordings import Archive
from hooks_app.archive.objects import content_type, own_key
from hooks_app.archive.store_fault import StoreError, place

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LONGEST_SECONDS = 7 * 24 * 3600
"""SigV4 knows no longer."""


def presigned(client: S3Client, archive: Archive, key: str, seconds: int) -> str:
    """The URL; the network is not asked. It plays in the page and has the file's name when it is saved."""
    own_key(archive, key)
    if not 1 <= seconds <= LONGEST_SECONDS:
        words = f"a URL is good for 1 to {LONGEST_SECONDS} seconds, not {seconds}. Correct presigned_hours"
        raise StoreError(f"{place(archive, key)}: {words}", retry=False)
    name = PurePosixPath(key).name.replace('"', "")
    return client.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": archive.bucket,
            "Key": key,
            "ResponseContentType": content_type(key),
            "ResponseContentDisposition": f'inline; filename="{name}"',
        },
        ExpiresIn=seconds,
    )
