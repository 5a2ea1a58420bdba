"""What only Amazon's own has: classes, encryption, object lock. No store of the laboratory does, so a pretended one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headend.model.recordings import MIB, Archive
from hooks_app.archive.states import FileState
from hooks_app.archive.store import Store
from tests.support.upload_journal import DiskJournal

KEY = "recordings/demo/1/demo.mp4"
BUCKET = "live-recordings"


@pytest.fixture
def amazon() -> Iterator[Any]:
    """A client of the pretended one, with a bucket that has object lock."""
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
        yield client
        client.close()


@pytest.mark.parametrize("size", [1000, 6 * MIB])
@pytest.mark.parametrize("checksums", ["always", "when_required"])
def test_class_encryption_and_lock_are_asked_for(amazon: Any, tmp_path: Path, size: int, checksums: str) -> None:
    archive = Archive.model_validate(
        {
            "bucket": BUCKET,
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret": "archive",
            "storage_class": "STANDARD_IA",
            "encryption": "aws:kms",
            "kms_key_id": "alias/recordings",
            "object_lock": "governance",
            "object_lock_days": 30,
            "part_mib": 5,
            "checksums": checksums,
        }
    )
    path = tmp_path / "demo.mp4"
    path.write_bytes(os.urandom(size))
    journal = DiskJournal(tmp_path / "journal")
    store = Store(archive, "a secret of nobody")
    made: dict[str, str] = {}

    def seen(request: Any, **_: Any) -> None:
        if b"x-amz-object-lock-mode" in str(request.headers).encode():
            made.update({name.lower(): str(text) for name, text in request.headers.items()})

    for client in (store._client, store._sender):
        client.meta.events.register_first("before-send.s3", seen)
    file = journal.add("demo.mp4", size, KEY)
    with path.open("rb") as opened:
        store.upload(
            file, opened.fileno(), journal, metadata={"slug": "demo"}, stop=lambda: False, progress=lambda count: None
        )
    assert journal.file(file.id).state is FileState.VERIFIED
    # What is locked has to carry a checksum: where that is the MD5, an ETag that is the same says nothing.
    assert journal.how(file.id) == ("etag" if checksums == "always" else "reread")
    head = amazon.head_object(Bucket=BUCKET, Key=KEY)
    assert head["StorageClass"] == "STANDARD_IA"
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/recordings")
    # The pretended store forgets it for what comes in parts; it was asked for.
    assert made["x-amz-object-lock-mode"].strip("b'") == "GOVERNANCE"
    until = datetime.fromisoformat(made["x-amz-object-lock-retain-until-date"].strip("b'"))
    assert abs(until - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)
    store.put_text("recordings/demo/1/manifest.json", "{}", {})
    # With versions a removal only hides: what is locked stays.
    store.remove([KEY])
    versions = amazon.list_object_versions(Bucket=BUCKET, Prefix=KEY)
    assert len(versions["Versions"]) == 1
    assert len(versions["DeleteMarkers"]) == 1
    assert "X-Amz-Signature" in store.presigned(KEY, 60)
    store.close()
    journal.close()
