"""Does the catalogue say what is still in the store, whatever stops a removal halfway?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from headend.model.store import place_of
from hooks_app.archive.event_manifests import EventManifests
from hooks_app.archive.finished import Finished
from hooks_app.archive.prune import Disk
from hooks_app.archive.pruner import Pruner
from hooks_app.archive.removals import HeldError
from tests.support.shelf import ARCHIVE, SHA256, Shelf, policy

GONE = Callable[[Sequence[str]], None]
KEPT = "The store does not allow it until 2027."


@dataclass
class Bucket:
    """Removes one key after the other, and stops at one that is locked."""

    removed: list[str] = field(default_factory=list)
    put: dict[str, str] = field(default_factory=dict)
    locked: str = "nothing"
    meanwhile: Callable[[], None] = lambda: None

    def remove(self, keys: Sequence[str], gone: GONE = lambda _keys: None) -> None:
        for key in keys:
            if key.endswith(self.locked):
                raise RuntimeError(KEPT)
            self.removed.append(key)
            self.meanwhile()
            gone([key])

    def put_text(self, key: str, text: str, metadata: Any) -> None:
        self.put[key] = text


def archived(shelf: Shelf, client: int = 7, event_id: int | None = None) -> int:
    """With a strip beside its film, and its removal asked for; the grace is over."""
    recording_id = shelf.closed(client, event_id)
    made = {"bytes": 100, "sha256": SHA256}
    video = {"name": "demo.mp4", "seconds": 60.0, "codecs": {"video": "h264"}, **made}
    result = {"ok": True, "video": video, "strip": {"name": "demo.strip.jpg", **made}}
    assert shelf.catalogue.finished(recording_id, Finished.model_validate(result))
    shelf.upload(recording_id)
    assert shelf.catalogue.archived(recording_id)
    shelf.change(recording_id, removal_asked_at=shelf.now)
    shelf.clock.sleep(2 * 86400)
    return recording_id


def pruner(shelf: Shelf, bucket: Bucket, **changed: Any) -> Pruner:
    roomy = Disk(total_bytes=1000, free_bytes=900)
    retell = EventManifests(shelf.catalogue, bucket, ARCHIVE).without  # type: ignore[arg-type]
    return Pruner(shelf.catalogue, shelf.kept, policy(**changed), shelf.clock, bucket.remove, lambda: roomy, retell)


def there(shelf: Shelf, recording_id: int) -> list[str]:
    """What the catalogue says is in the store."""
    return [file.name for file in shelf.files(recording_id) if file.object_key and file.remote_removed_at is None]


def test_what_went_before_a_fault_is_written_down_and_the_rest_goes_later(shelf: Shelf) -> None:
    recording_id, bucket = archived(shelf), Bucket(locked="demo.strip.jpg")
    pruned = pruner(shelf, bucket).run()
    assert pruned.faults == [f"Recording {recording_id} stays in the store: {KEPT}"]
    row = shelf.row(recording_id)
    assert there(shelf, recording_id) == ["demo.strip.jpg"]
    assert (row.state, row.fault, row.replay_url) == ("archived", KEPT, None)
    assert (row.remote_removal_until, row.leased_until) == (None, None)
    bucket.locked = "nothing"
    assert pruner(shelf, bucket).run().faults == []
    assert (there(shelf, recording_id), shelf.row(recording_id).state) == ([], "removed")
    assert (shelf.row(recording_id).fault, bucket.removed[-1].rpartition("/")[2]) == (None, "demo.strip.jpg")


def test_while_the_store_removes_it_the_row_says_so_whatever_leases_are_given_up(shelf: Shelf) -> None:
    recording_id, seen = archived(shelf), []

    def look() -> None:
        shelf.catalogue.release_all()
        until = shelf.row(recording_id).remote_removal_until
        seen.append(until is not None and until > shelf.now)

    pruner(shelf, Bucket(meanwhile=look)).run()
    assert seen == [True] * 3
    assert shelf.row(recording_id).remote_removal_until is None


def test_a_hold_that_comes_all_the_same_ends_it(shelf: Shelf) -> None:
    recording_id, bucket = archived(shelf), Bucket()
    bucket.meanwhile = lambda: shelf.change(recording_id, held_at=shelf.now) if len(bucket.removed) == 2 else None
    pruned = pruner(shelf, bucket).run()
    assert pruned.faults == [
        f"Recording {recording_id} stays in the store: Recording {recording_id} is held. "
        f"What had gone before stays gone."
    ]
    assert (there(shelf, recording_id), shelf.row(recording_id).state) == (["demo.strip.jpg"], "archived")
    with pytest.raises(HeldError):
        shelf.catalogue.mark_remote(recording_id, [], shelf.now, 1)


def test_no_manifest_names_what_is_removed(shelf: Shelf) -> None:
    event_id, bucket = shelf.event(), Bucket()
    first, second = archived(shelf, 7, event_id), archived(shelf, 8, event_id)
    shelf.change(second, removal_asked_at=None)
    assert pruner(shelf, bucket).run().faults == []
    key = f"recordings/events/{event_id}.json"
    assert f"{shelf.row(first).object_prefix}/manifest.json" in bucket.removed
    assert [f"{shelf.row(one).object_prefix}/" in bucket.put[key] for one in (first, second)] == [False, True]
    shelf.change(second, removal_asked_at=shelf.now)
    assert pruner(shelf, bucket).run().faults == []
    assert bucket.removed.index(key) < bucket.removed.index(f"{shelf.row(second).object_prefix}/demo.mp4")
    assert {shelf.row(first).state, shelf.row(second).state} == {"removed"}


def test_what_is_in_another_place_is_asked_of_no_store(shelf: Shelf) -> None:
    recording_id, bucket = archived(shelf), Bucket()
    other = place_of(ARCHIVE.model_copy(update={"prefix": "elsewhere"}))
    moved = {"place": other, "local": timedelta(days=400), "remote": timedelta(days=1)}
    pruned = pruner(shelf, bucket, **moved).run()
    assert (pruned.removals, pruned.faults, bucket.removed) == ([], [], [])
    assert shelf.catalogue.lease_remote(recording_id, policy(**moved), shelf.now, 60) is None
    assert (shelf.row(recording_id).state, pruner(shelf, bucket, **moved).is_asked()) == ("archived", False)
    assert pruner(shelf, bucket).is_asked()
