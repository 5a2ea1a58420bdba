"""What the archive's access key must be allowed, and nothing more; and what the bucket should do by itself. Pure."""

from __future__ import annotations

from typing import Any

from headend.model.recordings import Archive
from headend.model.store import partition_of

Json = dict[str, Any]

ABORT_DAYS = 7
"""The archiver aborts its own uploads much sooner. This is for those that nobody knows any more."""

NONCURRENT_DAYS = 7
"""So long a removal can be undone in a bucket with versions."""


def policy_of(archive: Archive, *, removal: bool = False) -> Json:
    """The IAM policy of the user whose key it is, as plain data.

    `removal`: also for `headend-ctl recordings delete`, though the spec removes nothing by age.
    """
    bucket = f"arn:{partition_of(archive.region)}:s3:::{archive.bucket}"
    objects = f"{bucket}/{_below(archive)}*"
    statements = [
        _allow("Objects", _object_actions(archive, removal=removal), objects),
        _allow("List", ["s3:ListBucket"], bucket, _prefix_condition(archive)),
        # A condition of its own would be in vain: this action knows no prefix, and with one it is never allowed.
        _allow("Uploads", ["s3:ListBucketMultipartUploads"], bucket),
    ]
    if archive.encryption == "aws:kms":
        statements.append(_key(archive))
    return {"Version": "2012-10-17", "Statement": statements}


def lifecycle_of(archive: Archive) -> Json:
    """Rules of the bucket: uploads which nobody finished end, and what was removed goes for good.

    In a bucket with versions, and object lock needs them, a removal only hides the data behind a marker.
    """
    of_prefix = {"Status": "Enabled", "Filter": {"Prefix": _below(archive)}}
    uploads = {
        "ID": "headend-incomplete-uploads",
        **of_prefix,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABORT_DAYS},
    }
    versions = {
        "ID": "headend-noncurrent-versions",
        **of_prefix,
        "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    }
    return {"Rules": [uploads, versions]}


def _object_actions(archive: Archive, *, removal: bool) -> list[str]:
    actions = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    if removal or archive.remote_days is not None:
        actions.append("s3:DeleteObject")
    if archive.object_lock != "none":
        actions.append("s3:PutObjectRetention")
    return actions


def _key(archive: Archive) -> Json:
    """The key of the KMS. An alias is no resource, and a key without a name is the bucket's: conditions narrow both."""
    name = archive.kms_key_id or ""
    condition: Json = {}
    if archive.endpoint is None:
        condition["StringEquals"] = {"kms:ViaService": f"s3.{archive.region}.amazonaws.com"}
    if ":alias/" in name or name.startswith("alias/"):
        alias = f"alias/{name.partition('alias/')[2]}"
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
        name = ""
    account = f"arn:{partition_of(archive.region)}:kms:{archive.region}:*"
    resource = name if name.startswith("arn:") else f"{account}:key/{name or '*'}"
    return _allow("Key", ["kms:GenerateDataKey", "kms:Decrypt"], resource, condition)


def _allow(name: str, actions: list[str], resource: str, condition: Json | None = None) -> Json:
    statement = {"Sid": f"Headend{name}", "Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def _below(archive: Archive) -> str:
    """What every key begins with."""
    return f"{archive.prefix}/" if archive.prefix else ""


def _prefix_condition(archive: Archive) -> Json:
    return {"StringLike": {"s3:prefix": f"{_below(archive)}*"}} if archive.prefix else {}
