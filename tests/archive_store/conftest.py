"""Real object stores, a bad road to one of them, and files that go there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headend.model.recordings import MIB, Archive
from hooks_app.archive.journal import StoredFile
from hooks_app.archive.store import Store
from testbed.rclone_s3 import Rclone
from testbed.s3_server import Place
from testbed.swift import Swift
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.upload_journal import DiskJournal

PART = 5 * MIB


@dataclass
class Shelf:
    """A bucket of a real store, and a host that fills it."""

    place: Place
    bucket: str
    folder: Path
    endpoint: str
    journal: DiskJournal = field(init=False)
    progress: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = DiskJournal(self.folder / "journal.sqlite3")
        self._stores: list[Store] = []
        self.looker = self.place.client()
        self.looker.create_bucket(Bucket=self.bucket)

    def close(self) -> None:
        """Let go of everything."""
        for store in self._stores:
            store.close()
        self.looker.close()
        self.journal.close()

    def archive(self, **changes: Any) -> Archive:
        """As a spec has it; small parts."""
        facts = {
            "bucket": self.bucket,
            "access_key_id": self.place.access_key_id,
            "secret": "archive",
            "endpoint": self.endpoint,
            "part_mib": 5,
        }
        return Archive.model_validate({**facts, **changes})

    def store(self, secret: str | None = None, **changes: Any) -> Store:
        """A store; closed at the end of the test."""
        store = Store(self.archive(**changes), self.place.secret if secret is None else secret)
        self._stores.append(store)
        return store

    def file(self, size_bytes: int, name: str = "demo.mp4", seed: int = 1) -> tuple[StoredFile, Path]:
        """A file of bytes that nothing can guess, and its row."""
        path = self.folder / name
        path.write_bytes(random.Random(seed).randbytes(size_bytes))
        return self.journal.add(name, size_bytes, f"recordings/demo/1/{name}"), path

    def upload(
        self, store: Store, file: StoredFile, path: Path, stop: Callable[[], bool] = lambda: False
    ) -> StoredFile:
        """Send it, or go on sending; returns the row as it is afterwards."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            store.upload(
                self.journal.file(file.id),
                descriptor,
                self.journal,
                metadata={"recording": "1", "slug": "demo"},
                stop=stop,
                progress=self.progress.append,
            )
        finally:
            os.close(descriptor)
        return self.journal.file(file.id)

    def sha256_there(self, key: str) -> str:
        """Of the object, read by another client."""
        body = self.looker.get_object(Bucket=self.bucket, Key=key)["Body"]
        with contextlib.closing(body):
            return hashlib.sha256(body.read()).hexdigest()

    def listed(self) -> list[str]:
        """What is in the bucket."""
        return [one["Key"] for one in self.looker.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def multiparts(self) -> list[str]:
        """Ids of the uploads that were begun and not ended."""
        pages = self.looker.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket)
        return [one["UploadId"] for page in pages for one in page.get("Uploads", [])]


def sha256(path: Path) -> str:
    """Of a file here."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bucket_name() -> str:
    """One that nobody had."""
    return f"headend-{random.SystemRandom().randrange(10**12)}"


@contextmanager
def shelf_of(place: Place, folder: Path, endpoint: str | None = None) -> Iterator[Shelf]:
    """A new bucket there."""
    shelf = Shelf(place, bucket_name(), folder, endpoint or place.endpoint)
    try:
        yield shelf
    finally:
        shelf.close()


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    with Swift() as store:
        yield store


@pytest.fixture(scope="session")
def rclone() -> Iterator[Rclone]:
    with Rclone() as store:
        yield store


@pytest.fixture
def shelf(swift: Swift, tmp_path: Path) -> Iterator[Shelf]:
    """At Swift."""
    with shelf_of(swift.place, tmp_path) as shelf:
        yield shelf


@pytest.fixture
def awkward(rclone: Rclone, tmp_path: Path) -> Iterator[Shelf]:
    """At rclone."""
    with shelf_of(rclone.place, tmp_path) as shelf:
        yield shelf


@pytest.fixture
def proxy(swift: Swift) -> Iterator[FaultProxy]:
    """The road to Swift."""
    with fault_proxy(swift.address, swift.port) as road:
        yield road


@pytest.fixture
def far(swift: Swift, proxy: FaultProxy, tmp_path: Path) -> Iterator[Shelf]:
    """At Swift, over the bad road."""
    with shelf_of(swift.place, tmp_path, proxy.endpoint) as shelf:
        yield shelf
