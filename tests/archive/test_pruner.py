"""Does the pruner do what was decided, and nothing else, whatever happens meanwhile?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from hooks_app.archive.folders import Folder
from hooks_app.archive.prune import Disk, Policy, Removal, decide
from hooks_app.archive.pruner import Pruned, Pruner
from hooks_app.recording_tables import RecordingFileRow, RecordingRow
from tests.archive.test_folders import locked
from tests.hooks_app.fakes import NOON
from tests.support.shelf import Shelf, policy

ROOMY = Disk(total_bytes=1000, free_bytes=900)
WEEK = 8 * 86400.0


@dataclass
class Bucket:
    """What was asked to be removed from the store."""

    removed: list[str] = field(default_factory=list)
    fault: Exception | None = None

    def remove(self, keys: Sequence[str], gone: Callable[[Sequence[str]], None]) -> None:
        if self.fault is not None:
            raise self.fault
        self.removed += keys
        gone(keys)


def pruner(shelf: Shelf, bucket: Bucket | None = None, disk: Disk = ROOMY, **changed: Any) -> Pruner:
    """A pruner with a policy that is a little other than by default."""
    remove = bucket.remove if bucket is not None else None
    return Pruner(shelf.catalogue, shelf.kept, policy(**changed), shelf.clock, remove, lambda: disk)


def names(pruned: Pruned) -> list[tuple[int, str, str]]:
    """What went."""
    return [(removal.recording_id, removal.name, removal.place) for removal in pruned.removals]


def test_what_is_verified_and_old_goes_and_the_catalogue_says_so(shelf: Shelf) -> None:
    old = shelf.archived(7)
    raw = shelf.files(old)[0].name
    (shelf.root / "kept" / str(old) / "job.json").write_text("{}")
    shelf.clock.sleep(WEEK)
    young, unverified = shelf.archived(8), shelf.finished(9)
    foreseen = pruner(shelf).run(dry_run=True)
    assert str(old) in shelf.disk()
    pruned = pruner(shelf).run()
    assert names(pruned) == [(old, raw, "local"), (old, "demo.mp4", "local")]
    assert (foreseen.removals, pruned.strange, pruned.faults) == (pruned.removals, [], [])
    assert sorted(shelf.disk()) == [str(young), str(unverified)]
    row = shelf.row(old)
    assert (row.state, row.local_removed_at, row.remote_removed_at) == ("archived", shelf.now, None)
    assert names(pruner(shelf).run()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"held_at": NOON},
        {"leased_until": NOON + timedelta(days=1000)},
        {"state": "finished"},
        {"restored_at": NOON + timedelta(seconds=WEEK)},
    ],
)
def test_what_changes_after_the_decision_counts(
    changes: dict[str, Any], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = shelf.archived()
    bucket = Bucket()
    shelf.change(recording_id, removal_asked_at=shelf.now)
    shelf.clock.sleep(WEEK)

    def late(*given: Any) -> list[Removal]:
        """Somebody is quicker."""
        decided = decide(*given)
        assert len(decided) == 3
        shelf.change(recording_id, **changes)
        return decided

    monkeypatch.setattr("hooks_app.archive.pruner.decide", late)
    assert names(pruner(shelf, bucket).run()) == []
    assert (bucket.removed, len(shelf.disk()[str(recording_id)])) == ([], 2)
    assert all(file.local_removed_at is None for file in shelf.files(recording_id))


def test_a_file_that_somebody_has_locked_stays_until_it_is_let_go_of(shelf: Shelf) -> None:
    recording_id = shelf.archived()
    shelf.clock.sleep(WEEK)
    with locked(shelf.root / "kept" / str(recording_id) / "demo.mp4"):
        assert len(pruner(shelf).run(dry_run=True).removals) == 1
        pruned = pruner(shelf).run()
        assert ([name for _, name, _ in names(pruned)], len(pruned.strange)) == ([shelf.files(recording_id)[0].name], 1)
    assert [name for _, name, _ in names(pruner(shelf).run())] == ["demo.mp4"]


def test_a_kill_between_the_row_and_the_file_is_made_good_by_the_next_run(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = shelf.archived()
    shelf.clock.sleep(WEEK)

    def killed(self: Folder, name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            pruner(shelf).run()
    left = [f"{recording_id}/{name}" for name in sorted(shelf.disk()[str(recording_id)])]
    assert len(left) == 2
    # While somebody has it leased, who restores it perhaps, it is left alone.
    shelf.change(recording_id, leased_until=shelf.now + timedelta(seconds=1))
    assert pruner(shelf).run().left_over == []
    shelf.change(recording_id, leased_until=None)
    assert pruner(shelf).run(dry_run=True).left_over == left
    assert (pruner(shelf).run().left_over, shelf.disk()) == (left, {})


def test_folders_and_files_that_nobody_knows_are_told_and_stay(shelf: Shelf, tmp_path: Path) -> None:
    recording_id = shelf.archived()
    canary = tmp_path / "canary"
    canary.write_text("what is outside")
    kept = shelf.root / "kept"
    for name in ("4711", "notes", "007"):
        (kept / name).mkdir()
        (kept / name / "demo.mp4").write_text("whose?")
    (kept / "a\nb").mkdir()
    (kept / str(recording_id) / "mine.txt").write_text("mine")
    (kept / str(recording_id) / "demo.mp4").unlink()
    (kept / str(recording_id) / "demo.mp4").symlink_to(canary)
    shelf.clock.sleep(WEEK)
    pruned = pruner(shelf).run()
    assert [name for _, name, _ in names(pruned)] == [shelf.files(recording_id)[0].name]
    assert len(pruned.strange) == 5
    assert all("\n" not in sentence for sentence in pruned.strange)
    assert set(shelf.disk()) == {"4711", "notes", "007", "a\nb", str(recording_id)}
    assert (canary.read_text(), (kept / "4711/demo.mp4").read_text()) == ("what is outside", "whose?")


def test_a_folder_that_became_a_link_leads_nowhere(shelf: Shelf, tmp_path: Path) -> None:
    recording_id = shelf.archived()
    outside = tmp_path / "outside"
    (shelf.root / "kept" / str(recording_id)).rename(outside)
    (shelf.root / "kept" / str(recording_id)).symlink_to(outside)
    shelf.clock.sleep(WEEK)
    pruned = pruner(shelf).run()
    assert (names(pruned), len(pruned.strange), len(list(outside.iterdir()))) == ([], 1, 2)


def test_what_is_asked_for_goes_in_both_places_and_is_removed(shelf: Shelf) -> None:
    recording_id, bucket = shelf.archived(), Bucket()
    shelf.catalogue.note_replay(recording_id, "https://vod.example/x", None, {}, None, "")
    shelf.change(recording_id, removal_asked_at=shelf.now)
    assert names(pruner(shelf, bucket).run()) == []
    shelf.clock.sleep(86400)
    key = shelf.files(recording_id)[1].object_key
    manifest = f"{shelf.row(recording_id).object_prefix}/manifest.json"
    foreseen = pruner(shelf, bucket).run(dry_run=True)
    pruned = pruner(shelf, bucket).run()
    assert [place for _, _, place in names(pruned)] == ["local", "local", "remote"]
    assert (foreseen.removals, bucket.removed, shelf.disk()) == (pruned.removals, [manifest, key], {})
    row = shelf.row(recording_id)
    assert (row.state, row.remote_removed_at, row.replay_url) == ("removed", shelf.now, None)
    assert (names(pruner(shelf, bucket).run()), len(bucket.removed)) == ([], 2)


def test_a_store_that_keeps_it_is_asked_again_and_the_others_go(shelf: Shelf) -> None:
    first, second = shelf.archived(7), shelf.archived(8)
    bucket = Bucket(fault=RuntimeError("The store does not allow it until 2027."))
    shelf.clock.sleep(30 * 86400)
    pruned = pruner(shelf, bucket, remote=timedelta(days=20)).run()
    assert [place for _, _, place in names(pruned)] == ["local"] * 4
    assert pruned.faults == [
        f"Recording {one} stays in the store: The store does not allow it until 2027." for one in (first, second)
    ]
    assert (shelf.row(first).state, shelf.row(first).fault) == ("archived", "The store does not allow it until 2027.")
    bucket.fault = None
    pruned = pruner(shelf, bucket, remote=timedelta(days=20)).run()
    assert [(one, place) for one, _, place in names(pruned)] == [(first, "remote"), (second, "remote")]
    assert {row.state for row in shelf.rows()} == {"removed"}


def test_a_run_without_a_store_leaves_the_store_alone(shelf: Shelf) -> None:
    recording_id = shelf.archived()
    shelf.change(recording_id, removal_asked_at=shelf.now)
    shelf.clock.sleep(86400)
    assert [place for _, _, place in names(pruner(shelf).run())] == ["local"] * 2
    assert shelf.row(recording_id).state == "archived"


def test_above_the_high_water_the_oldest_go_first(shelf: Shelf) -> None:
    ids = [shelf.archived(client) for client in (7, 8, 9)]
    shelf.clock.sleep(2 * 86400)
    full = Disk(total_bytes=1000, free_bytes=100)
    assert pruner(shelf, disk=full).is_full()
    assert not pruner(shelf).is_full()
    # Each has 100 bytes raw and 100 of the MP4: 900 less 200 is the low water.
    assert {one for one, _, _ in names(pruner(shelf, disk=full).run())} == {ids[0]}


def test_the_disk_is_measured_as_its_user_sees_it(shelf: Shelf) -> None:
    disk = Pruner(shelf.catalogue, shelf.kept, policy(), shelf.clock, None).disk()
    found = os.statvfs(shelf.root)
    assert disk.total_bytes == (found.f_blocks - found.f_bfree + found.f_bavail) * found.f_frsize
    assert 0 < disk.free_bytes < disk.total_bytes


def test_another_host_s_recordings_are_not_pruned(shelf: Shelf, tmp_path: Path) -> None:
    recording_id = shelf.archived()
    with Shelf.made(shelf.database, tmp_path / "other", clock=shelf.clock, host="origin-2") as other:
        shelf.clock.sleep(WEEK)
        (other.root / "kept" / str(recording_id)).mkdir()
        pruned = pruner(other).run()
        assert (names(pruned), pruned.strange) == ([], [f"kept/{recording_id} is in no catalogue."])


MANY, REAL = 10_000, 300


def fill(shelf: Shelf, count: int, real: int) -> None:
    """So many archived recordings of three files; the oldest have their files on the disk."""
    recordings, files = [], []
    for number in range(1, count + 1):
        archived_at = NOON - timedelta(hours=number)
        recordings.append(
            {
                "id": number,
                "slug": "demo",
                "owner": "studio",
                "host": "origin-1",
                "state": "archived",
                "since": archived_at,
                "started_at": archived_at,
                "archived_at": archived_at,
                "object_prefix": f"recordings/{number}",
                "object_place": policy().place,
                "held_at": NOON if number % 50 == 0 else None,
                "leased_until": NOON + timedelta(hours=1) if number % 51 == 0 else None,
                "removal_asked_at": NOON if number % 52 == 0 else None,
            }
        )
        for kind, wanted in (("raw", False), ("video", True), ("strip", True)):
            files.append(
                {
                    "recording_id": number,
                    "kind": kind,
                    "name": f"demo.{kind}",
                    "bytes": 1000,
                    "made_at": archived_at,
                    "wanted": wanted,
                    "state": "verified" if wanted and number % 53 else "local",
                    "object_key": f"recordings/{number}/demo.{kind}" if wanted else None,
                }
            )
            if number > count - real:
                path = shelf.root / "kept" / str(number) / f"demo.{kind}"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"r" * 1000)
    with shelf.database.write() as db:
        db.execute(insert(RecordingRow), recordings)
        db.execute(insert(RecordingFileRow), files)


def decide_time(shelf: Shelf, wanted: Policy, disk: Disk) -> tuple[float, int]:
    """How long it takes to load and to decide, in seconds, and how many files go."""
    began = time.monotonic()
    removals = decide(shelf.catalogue.candidates(wanted, shelf.now), wanted, disk, shelf.now)
    return time.monotonic() - began, len(removals)


def test_ten_thousand_recordings_are_decided_on_in_five_seconds_and_the_dry_run_says_what_goes(
    shelf: Shelf, record_property: Callable[[str, object], None]
) -> None:
    fill(shelf, MANY, REAL)
    bucket = Bucket()
    disk = Disk(total_bytes=40_000_000, free_bytes=4_000_000)
    wanted = policy(local=timedelta(days=400), remote=timedelta(days=410))
    seconds, count = decide_time(shelf, wanted, disk)
    record_property("seconds", seconds)
    assert seconds < 5
    foreseen = pruner(shelf, bucket, disk, local=wanted.local, remote=wanted.remote).run(dry_run=True)
    assert len(foreseen.removals) == count > 5000
    assert len(shelf.disk()) == REAL
    pruned = pruner(shelf, bucket, disk, local=wanted.local, remote=wanted.remote).run()
    assert pruned.removals == foreseen.removals
    assert pruned.faults == pruned.strange == []
    # What is held, leased or not verified is still there; and nothing else of those that were old enough.
    stay = {number for number in range(MANY - REAL + 1, MANY + 1) if not (number % 50 and number % 51 and number % 53)}
    assert {int(name) for name in shelf.disk()} == stay
    assert all(len(names) == 3 for names in shelf.disk().values())
    files = [key for key in bucket.removed if not key.endswith("/manifest.json")]
    assert len(files) == sum(removal.place == "remote" for removal in pruned.removals)
