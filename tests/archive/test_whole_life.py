"""From parts in the buffer to an object that plays, back to this disk, and away: the real joiner, a real store."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from headend.model.facts import HookFacts, RecordingFacts
from headend.model.recordings import MIB, Archive, Keep, Recordings, Replay
from headend.model.store import place_of
from headend.replay import HIDDEN
from hooks_app.archive.event_manifests import EventManifests
from hooks_app.archive.finishing import Finishing
from hooks_app.archive.prune import Policy
from hooks_app.archive.pruner import Pruner
from hooks_app.archive.replaying import Replaying
from hooks_app.archive.restoring import Restoring
from hooks_app.archive.store import Store
from hooks_app.archive.uploader import Uploader
from testbed.places import ROOT
from testbed.rclone_s3 import Rclone
from testbed.s3_server import Place
from testbed.swift import Swift
from tests.support.finishing import decodes
from tests.support.flv import Recorder, messages
from tests.support.shelf import Shelf

CLIENT = 7
BUCKET = "whole-life"


class Here:
    """Runs the joiner as the unit would, without systemd: at once, and to its end."""

    def __init__(self, kept: Path) -> None:
        self.kept = kept

    def start(self, recording_id: int) -> None:
        argv = [sys.executable, "-m", "finisher", "--folder", str(self.kept / str(recording_id))]
        subprocess.run(argv, cwd=ROOT, check=True, timeout=120)

    def running(self, recording_id: int) -> bool:
        return False


class Life:
    """A host with its store."""

    def __init__(self, shelf: Shelf, place: Place, facts: HookFacts) -> None:
        self.shelf = shelf
        self.facts = facts
        self.archive = Archive(
            bucket=BUCKET, access_key_id=place.access_key_id, secret="archive", endpoint=place.endpoint
        )
        keep = Keep(local_days=0, grace_hours=1)
        self.settings = Recordings(
            record=True, reserve_mib=16, archive=self.archive, keep=keep, replay=Replay(mode="proxied")
        )
        self.store = Store(self.archive, place.secret)
        self.looker = place.client()
        self.looker.create_bucket(Bucket=BUCKET)
        catalogue, kept, clock = shelf.catalogue, shelf.kept, shelf.clock
        self.finishing = Finishing(catalogue, kept, Here(shelf.root / "kept"), self.settings, clock)
        self.sent_bytes: list[int] = []
        self.uploader = Uploader(catalogue, self.store, kept, self.archive, clock, sent=self.sent_bytes.append)
        self.restoring = Restoring(
            catalogue, self.store, kept, clock, place=place_of(self.archive), reserve_bytes=16 * MIB
        )
        self.replaying = self.replaying_as(self.settings.replay)
        retell = EventManifests(catalogue, self.store, self.archive).without
        self.pruner = Pruner(catalogue, kept, Policy.of(self.settings), clock, self.store.remove, retell=retell)

    def replaying_as(self, replay: Replay) -> Replaying:
        """As the archiver has it after a deploy of this."""
        settings = self.settings.model_copy(update={"replay": replay})
        recorded = RecordingFacts(settings=settings, root=str(self.shelf.root), sweep_seconds=60)
        known = self.facts.model_copy(update={"recordings": recorded})
        return Replaying(self.shelf.catalogue, self.store, self.archive, replay, known, self.shelf.clock)

    def close(self) -> None:
        self.store.close()
        self.looker.close()

    def stored_keys(self) -> list[str]:
        return [one["Key"] for one in self.looker.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def object(self, key: str) -> bytes:
        return self.looker.get_object(Bucket=BUCKET, Key=key)["Body"].read()


@pytest.fixture(scope="module")
def swift() -> Iterator[Swift]:
    with Swift() as store:
        yield store


@pytest.fixture
def life(shelf: Shelf, swift: Swift, facts: HookFacts) -> Iterator[Life]:
    yield from lived(Life(shelf, swift.place, facts))


@pytest.fixture
def awkward_life(shelf: Shelf, facts: HookFacts) -> Iterator[Life]:
    """With a store that does many things its own way."""
    with Rclone() as rclone:
        yield from lived(Life(shelf, rclone.place, facts))


def lived(made: Life) -> Iterator[Life]:
    """Its bucket goes in the end."""
    yield made
    for key in made.stored_keys():
        made.looker.delete_object(Bucket=BUCKET, Key=key)
    made.looker.delete_bucket(Bucket=BUCKET)
    made.close()


def record(shelf: Shelf, film: Path) -> int:
    """A show of which nginx left parts; the id of its event."""
    event = shelf.event(ad_hoc=True)
    session = shelf.session(CLIENT, event_id=event)
    folder = shelf.root / "buffer"
    recorder = Recorder(folder, client=CLIENT, seconds=15, at=int(shelf.now.timestamp()))
    for name in recorder.record(messages(film)):
        shelf.touch(folder / name)
    shelf.clock.sleep(60)
    shelf.end(session)
    return event


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_recording_lives_its_whole_life(life: Life, film: Path) -> None:
    shelf = life.shelf
    event = record(shelf, film)
    (recording,) = shelf.collect(10).closed

    while not life.finishing.turn():
        assert shelf.row(recording).fault is None
    video = next(file for file in shelf.files(recording) if file.kind == "video")
    local = shelf.root / "kept" / str(recording) / video.name
    decodes(local)

    assert life.uploader.turn(lambda: False)
    row = shelf.row(recording)
    assert (row.state, row.fault, life.uploader.fault) == ("archived", None, None)
    assert sum(life.sent_bytes) == sum(file.bytes for file in shelf.files(recording) if file.wanted)
    stored = life.object(f"{row.object_prefix}/{video.name}")
    assert hashlib.sha256(stored).hexdigest() == video.sha256 == hashlib.sha256(local.read_bytes()).hexdigest()
    assert f"recordings/events/{event}.json" in life.stored_keys()
    assert f"{row.object_prefix}/manifest.json" in life.stored_keys()

    # What nginx must not pass on to viewers.
    beside = life.looker.head_object(Bucket=BUCKET, Key=f"{row.object_prefix}/{video.name}")["Metadata"]
    assert beside
    assert {f"x-amz-meta-{name}" for name in beside} <= {name.lower() for name in HIDDEN}

    shelf.catalogue.note_archiver(free_bytes=1, total_bytes=2, recording_stopped=False, store_fault=None)
    shelf.clock.sleep(20)
    shelf.catalogue.note_archiver(free_bytes=1, total_bytes=2, recording_stopped=False, store_fault=None)
    assert shelf.catalogue.events_archived() == [event]

    assert life.replaying.turn() == 1
    assert life.replaying.turn() == 0
    shelf.clock.sleep(13 * 3600)
    assert life.replaying.turn() == 1
    assert shelf.row(recording).replay_url.endswith(f"/replay/{recording}/{video.name}")

    foreseen = life.pruner.run(dry_run=True).removals
    assert life.pruner.run().removals == foreseen
    assert not local.exists()

    shelf.change(recording, restore_asked_at=shelf.now)
    assert life.restoring.turn(lambda: False)
    assert local.read_bytes() == stored
    assert shelf.row(recording).restored_at == shelf.now
    assert life.pruner.run().removals == []

    shelf.clock.sleep(timedelta(hours=2).total_seconds())
    shelf.change(recording, removal_asked_at=shelf.now)
    life.pruner.run()
    assert shelf.row(recording).state == "removed"
    assert life.stored_keys() == []
    assert os.listdir(shelf.root / "kept") == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_that_marks_pieces_as_the_whole_has_no_replays_until_the_spec_knows(
    awkward_life: Life, film: Path
) -> None:
    life, shelf = awkward_life, awkward_life.shelf
    record(shelf, film)
    (recording,) = shelf.collect(10).closed
    while not life.finishing.turn():
        assert shelf.row(recording).fault is None
    assert life.uploader.turn(lambda: False)
    assert (shelf.row(recording).state, life.uploader.fault) == ("archived", None)

    for _ in range(3):
        assert life.replaying.turn() == 0
        shelf.clock.sleep(61)
    assert "replay.pieces: false" in (life.replaying.fault or "")
    assert shelf.row(recording).replay_url is None

    told = life.replaying_as(Replay(mode="proxied", pieces=False))
    assert (told.turn(), told.fault) == (1, None)
    assert shelf.row(recording).replay_url.endswith(".mp4")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_parts_that_cannot_be_joined_are_archived_as_they_are(life: Life) -> None:
    shelf = life.shelf
    recording = shelf.closed(CLIENT)
    while not life.finishing.turn():
        shelf.clock.sleep(1000)
    assert shelf.row(recording).fault
    assert life.uploader.turn(lambda: False)
    assert shelf.row(recording).state == "archived"
    assert [key for key in life.stored_keys() if key.endswith(".flv")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_that_is_away_is_a_sentence_and_costs_nothing(life: Life) -> None:
    shelf = life.shelf
    recording = shelf.finished(CLIENT)
    with shelf.database.write() as db:
        (video,) = (file for file in shelf.files(recording) if file.kind == "video")
        db.merge(video).sha256 = hashlib.sha256(
            (shelf.root / "kept" / str(recording) / video.name).read_bytes()
        ).hexdigest()
    away = Store(life.archive.model_copy(update={"endpoint": "http://127.0.0.1:9"}), "secret")
    uploader = Uploader(shelf.catalogue, away, shelf.kept, life.archive, shelf.clock, sent=lambda _count: None)
    assert uploader.turn(lambda: False)
    away.close()
    row = shelf.row(recording)
    assert (row.state, row.attempts, row.leased_until) == ("finished", 1, None)
    assert row.fault == uploader.fault
    assert "cannot be reached" in (row.fault or "")
    assert life.pruner.run().removals == []
