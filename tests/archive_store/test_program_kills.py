"""The whole program, killed at any moment: is every recording either here or verified in the store, and right there?

HEADEND_CYCLES says how often it is; CI does a part of what the promise was measured with.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headend.model.recordings import MIB, Keep
from hooks_app.archive.states import FileState
from testbed.swift import Swift
from tests.archive_store.conftest import Shelf, sha256, shelf_of
from tests.support.archive_program import Installed, installed
from tests.support.processes import until

KILLS = int(os.environ.get("HEADEND_CYCLES", "10"))
SIZES = (70_000, 5 * MIB, 12 * MIB)
"""In one request, just so, and in parts."""

pytestmark = pytest.mark.slow


@pytest.fixture
def far(swift: Swift, tmp_path: Path) -> Iterator[Shelf]:
    (tmp_path / "far").mkdir()
    with shelf_of(swift.place, tmp_path / "far") as shelf:
        yield shelf


@pytest.fixture
def origin(far: Shelf, tmp_path: Path) -> Iterator[Installed]:
    """Slow enough that most kills meet something on its way; everything that is verified may go at once."""
    archive = far.archive(upload_kbps=30_000, parallel_parts=2)
    keep = Keep(local_days=0, grace_hours=0, high_water_percent=10, low_water_percent=5)
    with installed(tmp_path, archive, far.place.secret, keep) as one:
        yield one


def check(origin: Installed, far: Shelf, hashes: dict[int, str], seen: set[int]) -> None:
    """Each video is here as it was, or the catalogue calls it verified and so it is. `seen` are not read again."""
    for recording_id, right in hashes.items():
        (video,) = (file for file in origin.shelf.files(recording_id) if file.kind == "video")
        path = origin.shelf.root / "kept" / str(recording_id) / video.name
        if path.exists():
            assert sha256(path) == right
            assert video.local_removed_at is None or video.state == FileState.VERIFIED
        else:
            assert (video.state, video.sha256) == (FileState.VERIFIED, right)
        if video.state == FileState.VERIFIED and recording_id not in seen:
            assert far.sha256_there(video.object_key or "") == right
            seen.add(recording_id)


@pytest.mark.timeout(3600)
def test_whenever_the_program_is_killed_every_recording_is_here_or_verified_in_the_store(
    origin: Installed, far: Shelf
) -> None:
    dice, hashes, seen, kills, midway = random.Random(9), dict[int, str](), set[int](), 0, 0
    shelf = origin.shelf
    while kills < KILLS:
        # Some work for each cycle, and never so much that it piles up.
        if len(hashes) - len(seen) < 4:
            recording_id = origin.finished(100 + len(hashes), SIZES[len(hashes) % len(SIZES)])
            hashes[recording_id] = sha256(shelf.root / "kept" / str(recording_id) / "demo.mp4")
        with origin.run() as program:
            # One in ten while it starts.
            if dice.random() < 0.9:
                assert program.told("READY=1", 60)
            time.sleep(dice.uniform(0.0, 3.0))
            kills += program.kill()
        midway += any(file.upload_id for one in hashes for file in shelf.files(one))
        check(origin, far, hashes, seen)
        if dice.random() < 0.5:
            with origin.run("prune") as program:
                time.sleep(dice.uniform(0.5, 3.0))
                kills += program.kill()
            check(origin, far, hashes, seen)
    gone = len(hashes) - len(shelf.disk())
    with origin.run() as program:
        until(180, lambda: all(shelf.row(one).state == "archived" for one in hashes))
        assert program.end() == 0
    with origin.run("prune") as program:
        assert program.process.wait(60) == 0
    check(origin, far, hashes, seen)
    assert seen == set(hashes)
    assert shelf.disk() == {}
    assert all(row.fault is None for row in shelf.rows())
    aborted = far.store().abort_stale(
        shelf.catalogue.orphans, timedelta(hours=24), datetime.now(UTC) + timedelta(hours=25)
    )
    assert far.multiparts() == []
    assert midway > 0
    print(f"{kills} kills, {midway} in the midst of an upload; {aborted} orphans aborted")
    print(f"{len(hashes)} recordings, of which {gone} had left this disk before the last kill")
