"""Is what is recorded now left its room, and is a moment without room no loss?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headend.model.recordings import MIB, Recordings
from headend.model.store import place_of
from hooks_app.archive.finishing import Finishing
from hooks_app.archive.folders import Folder
from hooks_app.archive.journal import StoredFile
from hooks_app.archive.restoring import Restoring
from tests.support.shelf import ARCHIVE, Shelf

NO_ROOM = {"ok": False, "no_room": True, "fault": "the disk has too little room: 120 MB more would do"}


@dataclass
class Units:
    """Leaves an answer at once, or none."""

    kept: Path
    answer: dict[str, Any] | None
    jobs: list[dict[str, Any]] = field(default_factory=list)

    def start(self, recording_id: int) -> None:
        folder = self.kept / str(recording_id)
        self.jobs.append(json.loads((folder / "job.json").read_text()))
        if self.answer is not None:
            (folder / "result.json").write_text(json.dumps(self.answer))

    def running(self, recording_id: int) -> bool:
        return False


def finishing(shelf: Shelf, answer: dict[str, Any] | None, **more: Any) -> tuple[Finishing, Units]:
    units = Units(shelf.root / "kept", answer)
    settings = Recordings(record=True, **{"archive": ARCHIVE, "reserve_mib": 100, **more})
    return Finishing(shelf.catalogue, shelf.kept, units, settings, shelf.clock), units


def look(finisher: Finishing, shelf: Shelf, hours: float) -> list[int]:
    """What is finished after so long; one look a minute."""
    done: list[int] = []
    for _ in range(int(hours * 60)):
        done += finisher.turn()
        shelf.clock.sleep(61)
    return done


def test_without_room_it_is_tried_until_there_is_some_and_no_attempt_is_counted(shelf: Shelf) -> None:
    recording_id = shelf.closed()
    finisher, units = finishing(shelf, NO_ROOM)
    assert look(finisher, shelf, 5.5) == []
    row = shelf.row(recording_id)
    assert (row.state, row.attempts) == ("closed", 0)
    assert row.fault == "The parts are not joined yet: the disk has too little room: 120 MB more would do."
    assert units.jobs[0]["reserve_bytes"] == 100 * MIB
    (shelf.root / "kept" / str(recording_id) / "demo.mp4").write_bytes(b"m" * 100)
    video = {"name": "demo.mp4", "bytes": 100, "sha256": "5e" * 32, "seconds": 60.0, "codecs": {}}
    units.answer = {"ok": True, "video": video}
    assert look(finisher, shelf, 0.1) == [recording_id]
    row = shelf.row(recording_id)
    assert (row.state, row.no_room_since, row.fault) == ("finished", None, None)
    assert {file.kind: file.wanted for file in shelf.files(recording_id)} == {"raw": False, "video": True}


def test_after_six_hours_without_room_the_raw_parts_go_to_the_store(shelf: Shelf) -> None:
    recording_id = shelf.closed()
    assert look(finishing(shelf, NO_ROOM)[0], shelf, 6.5) == [recording_id]
    row = shelf.row(recording_id)
    assert (row.state, row.no_room_since) == ("finished", None)
    assert "too little room" in (row.fault or "")
    assert {file.kind: file.wanted for file in shelf.files(recording_id)} == {"raw": True}


def test_without_a_store_nothing_is_gained_by_giving_up(shelf: Shelf) -> None:
    recording_id = shelf.closed()
    assert look(finishing(shelf, NO_ROOM, archive=None)[0], shelf, 8) == []
    assert shelf.row(recording_id).state == "closed"


@pytest.mark.parametrize("free_bytes, attempts", [(MIB, 0), (100 * MIB, 1)])
def test_a_unit_that_had_no_room_even_for_its_answer_has_failed_for_want_of_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, free_bytes: int, attempts: int
) -> None:
    recording_id = shelf.closed()
    finisher, _ = finishing(shelf, None)
    monkeypatch.setattr(Folder, "statvfs", lambda self: SimpleNamespace(f_bavail=free_bytes, f_frsize=1))
    for _ in range(2):
        assert finisher.turn() == []
    row = shelf.row(recording_id)
    assert (row.attempts, row.no_room_since is None, row.fault is not None) == (attempts, bool(attempts), True)


def test_a_disk_that_is_full_when_the_job_is_written_has_failed_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = shelf.closed()

    def full(self: Folder, name: str, text: str) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Folder, "write", full)
    assert finishing(shelf, None)[0].turn() == []
    row = shelf.row(recording_id)
    assert (row.attempts, row.fault) == (0, "The parts could not be joined: No space left on device")


class Copies:
    """The store's side of a restore."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    def fetch(self, file: StoredFile, descriptor: int, stop: Callable[[], bool], moved: Callable[[], None]) -> None:
        self.fetched.append(file.name)
        os.write(descriptor, b"m" * file.bytes)


def test_nothing_is_brought_back_that_would_stop_the_recording(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    recording_id, copies = shelf.archived(), Copies()
    with shelf.database.write() as db:
        for file in shelf.files(recording_id):
            db.merge(file).local_removed_at = shelf.now
    (shelf.root / "kept" / str(recording_id) / "demo.mp4").unlink()
    shelf.change(recording_id, restore_asked_at=shelf.now, local_removed_at=shelf.now)
    free = [100 * MIB + 99]
    monkeypatch.setattr(Folder, "statvfs", lambda self: SimpleNamespace(f_bavail=free[0], f_frsize=1))
    restoring = Restoring(
        shelf.catalogue,
        copies,  # type: ignore[arg-type]
        shelf.kept,
        shelf.clock,
        place=place_of(ARCHIVE),
        reserve_bytes=100 * MIB,
    )
    assert restoring.turn(lambda: False)
    row = shelf.row(recording_id)
    assert row.fault == "It could not be brought back: the disk has too little room: 1 MB more would do."
    assert (copies.fetched, row.restore_asked_at is None) == ([], False)
    free[0] += 1
    shelf.clock.sleep(901)
    assert restoring.turn(lambda: False)
    assert (copies.fetched, shelf.row(recording_id).fault) == (["demo.mp4"], None)
