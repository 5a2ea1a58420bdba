"""Objects are removed from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from headend.model.recordings import Archive
from hooks_app.archive.objects import own_key
from hooks_app.archive.store_fault import fault_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BATCH = 100
"""S3 takes 1000 in one request; this many a slow store removes before we no longer wait."""


def remove(
    client: S3Client,
    archive: Archive,
    keys: Sequence[str],
    beat: Callable[[], None] = lambda: None,
    gone: Callable[[Sequence[str]], None] = lambda _keys: None,
) -> None:
    """Remove these; what is not there is no matter. A bucket with versions keeps the old ones. Raises StoreError.

    `gone` is told of each batch which of them are not there any more, also before a fault; what it raises ends this.
    """
    for key in keys:
        own_key(archive, key)
    for first in range(0, len(keys), BATCH):
        some = keys[first : first + BATCH]
        beat()
        try:
            answer = client.delete_objects(
                Bucket=archive.bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
            )
        except (BotoCoreError, ClientError, OSError) as error:
            raise fault_of(error, archive, some[0]) from None
        errors = [one for one in answer.get("Errors", []) if one.get("Code") != "NoSuchKey"]
        stay = {one.get("Key", "") for one in errors}
        # An error that names no key may be about any.
        gone([key for key in some if key not in stay] if "" not in stay else [])
        for refused in errors:
            said = {"Code": refused.get("Code", ""), "Message": refused.get("Message", "")}
            of_key = ClientError({"Error": cast("Any", said)}, "DeleteObjects")
            raise fault_of(of_key, archive, refused.get("Key", some[0]))
