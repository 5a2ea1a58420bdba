"""How much memory does a big file take? HEADEND_SPARSE_GIB says how big; CI has no room for what was promised."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks_app.archive.states import FileState
from testbed.swift import Swift
from tests.archive_store.conftest import Shelf, shelf_of
from tests.archive_store.test_store_kills import child

GIB = 1024**3
SIZE_GIB = int(os.environ.get("HEADEND_SPARSE_GIB", "1"))
MOST_MIB = 200

pytestmark = pytest.mark.slow


@pytest.fixture
def own_shelf(tmp_path: Path) -> Iterator[Shelf]:
    """At a Swift of its own, whose disk is given back at once."""
    with Swift() as swift, shelf_of(swift.place, tmp_path) as shelf:
        free = shutil.disk_usage(swift.folder).free
        assert free > 3 * SIZE_GIB * GIB, f"{free / GIB:.0f} GiB free, {3 * SIZE_GIB} needed"
        yield shelf


@pytest.mark.timeout(3600)
def test_a_big_file_takes_little_memory(own_shelf: Shelf) -> None:
    path = own_shelf.folder / "big.mp4"
    with path.open("wb") as out:
        out.truncate(SIZE_GIB * GIB)
    file = own_shelf.journal.add(path.name, SIZE_GIB * GIB, "recordings/demo/1/big.mp4")
    began = time.monotonic()
    with child(own_shelf, path, file.id, part_mib=16, parallel_parts=4) as process:
        said, _ = process.communicate(timeout=3500)
    told = json.loads(said.splitlines()[-1])
    assert told["error"] == ""
    assert own_shelf.journal.file(file.id).state is FileState.VERIFIED
    resident = told["most_resident_kib"] / 1024
    print(f"{SIZE_GIB} GiB in {time.monotonic() - began:.0f} s with {resident:.0f} MiB resident at most")
    assert resident < MOST_MIB
