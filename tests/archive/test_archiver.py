"""Which loop does what, and for whom does it wait?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from headend.model.facts import RecordingFacts
from headend.model.recordings import Recordings
from headend.model.store import place_of
from hooks_app.archive import archiver
from hooks_app.archive.archiver import Keeper, Looker, Meter
from hooks_app.archive.collector import Collected
from hooks_app.archive.journal import Begun, StoredFile
from hooks_app.archive.restoring import Restoring
from hooks_app.archive.store_fault import StoppedError
from tests.archive.test_pruner import Bucket, pruner
from tests.support.shelf import ARCHIVE, Shelf

PLACE = place_of(ARCHIVE)


@dataclass
class Idle:
    """Has nothing to do, and is asked often."""

    asked: int = 0

    def turn(self, *_: object) -> list[int]:
        self.asked += 1
        return []

    def collect(self) -> Collected:
        return Collected()


@dataclass
class FakeStore:
    """A store that is stopped in the midst of whatever it does, and knows what was begun."""

    begun: list[Begun] = field(default_factory=list)
    aborted: list[Begun] = field(default_factory=list)

    def fetch(self, _file: StoredFile, _descriptor: int, stop: Callable[[], bool], _moved: Callable[[], None]) -> None:
        assert stop()
        raise StoppedError("stopped while it was fetched", retry=True)

    def abort_stale(self, orphans: Callable[[Sequence[Begun]], Sequence[Begun]], _older_than: object) -> int:
        self.aborted += orphans(self.begun)
        return len(self.aborted)


def looker(shelf: Shelf) -> Looker:
    """As the service makes it."""
    idle = cast("Any", Idle())
    settings = Recordings(record=True, archive=ARCHIVE)
    return Looker(
        facts=RecordingFacts(settings=settings, root=str(shelf.root), sweep_seconds=60),
        catalogue=shelf.catalogue,
        ladder=None,
        collector=idle,
        finishing=idle,
        pruner=pruner(shelf),
        meter=Meter(),
        store_fault=lambda: None,
        wake_store=lambda: None,
    )


def keeper(shelf: Shelf, bucket: Bucket, store: FakeStore | None = None, *, stop: bool = False) -> Keeper:
    """Likewise, but that nothing is to be uploaded."""
    idle = cast("Any", Idle())
    return Keeper(
        catalogue=shelf.catalogue,
        store=cast("Any", store or FakeStore()),
        uploader=idle,
        restoring=idle,
        pruner=pruner(shelf, bucket),
        beat=lambda: None,
        stop=lambda: stop,
    )


@pytest.fixture
def removal(shelf: Shelf) -> int:
    """A recording that somebody wants removed, and that may go."""
    recording_id = shelf.archived()
    shelf.clock.sleep(2 * 86400)
    shelf.change(recording_id, removal_asked_at=shelf.now)
    return recording_id


def test_whoever_looks_after_the_disk_never_waits_for_the_store(shelf: Shelf, removal: int) -> None:
    looker(shelf).turn()
    row = shelf.row(removal)
    assert row.local_removed_at is not None
    assert (row.state, row.remote_removed_at, row.leased_until) == ("archived", None, None)


def test_what_is_to_go_from_the_store_goes_in_the_loop_that_waits_for_it(shelf: Shelf, removal: int) -> None:
    bucket = Bucket()
    keys = {file.object_key for file in shelf.files(removal) if file.object_key}
    keeper(shelf, bucket).turn()
    assert keys <= set(bucket.removed)
    assert shelf.row(removal).remote_removed_at is not None
    # The file here is the other loop's.
    assert str(removal) in shelf.disk()
    looker(shelf).turn()
    assert shelf.row(removal).state == "removed"
    assert shelf.disk() == {}


def test_nothing_more_is_removed_from_the_store_once_an_end_is_asked_for(shelf: Shelf, removal: int) -> None:
    bucket = Bucket()
    keeper(shelf, bucket, stop=True).turn()
    assert bucket.removed == []
    assert shelf.row(removal).leased_until is None


def test_a_restore_that_is_stopped_is_not_put_off(shelf: Shelf) -> None:
    recording_id = shelf.archived()
    shelf.change(recording_id, restore_asked_at=shelf.now, local_removed_at=shelf.now)
    with shelf.database.write() as db:
        for file in shelf.files(recording_id):
            db.merge(file).local_removed_at = shelf.now
    store = cast("Any", FakeStore())
    restoring = Restoring(shelf.catalogue, store, shelf.kept, shelf.clock, place=PLACE, reserve_bytes=0)
    asked = iter([False])
    # The end is asked for when it has begun.
    assert restoring.turn(lambda: next(asked, True))
    row = shelf.row(recording_id)
    assert (row.fault, row.attempts, row.due_at, row.leased_until) == (None, 0, None, None)
    assert [task.recording_id for task in shelf.catalogue.to_restore(shelf.now, PLACE)] == [recording_id]


def test_only_uploads_to_keys_of_this_catalogue_are_aborted(shelf: Shelf) -> None:
    """Another origin may have the same bucket and prefix, and a database of its own."""
    shelf.finished(7)
    (task,) = shelf.catalogue.to_archive(shelf.now, ARCHIVE)
    (file,) = task.files
    shelf.catalogue.begun(file.id, "under-way", 5, "crc32")
    ours, theirs = file.object_key, file.object_key.replace("/demo/", "/theirs/")
    forgotten = Begun(ours, "forgotten")
    store = FakeStore([Begun(ours, "under-way"), forgotten, Begun(theirs, "their-own")])
    keeper(shelf, Bucket(), store).turn()
    assert store.aborted == [forgotten]
    # Nor does it matter how many there are.
    many = [Begun(f"recordings/{number}", str(number)) for number in range(1200)]
    assert shelf.catalogue.orphans([*many, forgotten]) == [forgotten]


def test_replays_have_a_loop_of_their_own() -> None:
    beats: list[int] = []
    idle = Idle()
    assert archiver.Renewer(cast("Any", idle), lambda: beats.append(1)).turn() == archiver.IDLE_SECONDS
    assert (idle.asked, len(beats)) == (1, 1)
