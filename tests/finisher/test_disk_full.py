"""Does a full disk end in one clean sentence, and does the next run find its way when there is room again?"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.finisher.conftest import Sent
from tests.support.finishing import STEM, finish, refused
from tests.support.flv import Message, Recorder

MIB = 1024 * 1024
DISK_MIB = 88


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A recording's folder on a disk with room for parts and film and little else. Only root may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(disk)], check=True)
    try:
        (disk / "12").mkdir()
        yield disk / "12"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_without_room_is_seen_before_anything_is_written(small_disk: Path, shown: list[Message]) -> None:
    parts = Recorder(small_disk, seconds=9.5).record(shown)
    (small_disk.parent / "other").write_bytes(bytes(30 * MIB))
    assert refused(small_disk, parts).startswith("the disk has too little room: ")
    assert json.loads((small_disk / "result.json").read_text())["no_room"]
    (small_disk.parent / "other").unlink()
    assert finish(small_disk).result["ok"]


def test_what_is_recorded_meanwhile_keeps_its_room(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder).record(sent())
    info = os.statvfs(folder)
    free = info.f_bavail * info.f_frsize
    fault = refused(folder, parts, reserve_bytes=free + 100 * MIB)
    assert fault.startswith("the disk has too little room: ")
    assert json.loads((folder / "result.json").read_text())["no_room"]
    done = finish(folder, parts, reserve_bytes=MIB)
    assert (done.result["ok"], done.result["no_room"]) == (True, False)


def fill(path: Path, when: Path) -> None:
    """Take all that is left of a disk as soon as a file is there."""
    until = time.monotonic() + 60
    while not when.exists() and time.monotonic() < until:
        time.sleep(0.001)
    try:
        with path.open("wb") as file:
            while True:
                file.write(bytes(MIB))
    except OSError:
        pass


@pytest.mark.parametrize("when", [f".finishing-{STEM}.mp4", f"{STEM}.mp4"])
def test_a_disk_that_fills_meanwhile(small_disk: Path, shown: list[Message], when: str) -> None:
    parts = Recorder(small_disk, seconds=9.5).record(shown)
    other = small_disk.parent / "other"
    filler = threading.Thread(target=fill, args=(other, small_disk / when))
    filler.start()
    done = finish(small_disk, parts)
    filler.join()
    names = set(os.listdir(small_disk))
    if done.status:
        # Not even the result had room: nothing is left of what it would have told of.
        assert done.said.endswith("its result cannot be written: No space left on device\n")
        assert names == {*parts, "job.json"}
    elif done.result["ok"]:
        # It was through before the disk was full.
        assert names >= {*parts, "job.json", "result.json", f"{STEM}.mp4"}
    else:
        assert (done.result["no_room"], done.result["video"]) == (True, None)
        assert done.result["fault"].startswith(("the disk has too little room: ", "the disk is full"))
        assert names == {*parts, "job.json", "result.json"}
    other.unlink()
    assert finish(small_disk).result["ok"]
