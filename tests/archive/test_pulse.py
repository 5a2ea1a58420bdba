"""Is a slow store told from one that hangs? systemd kills the archiver when nothing moves any more."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from headend.model.recordings import MIB
from hooks_app.archive.fetch import fetch
from hooks_app.archive.journal import Part, StoredFile
from hooks_app.archive.multipart import Multipart
from hooks_app.archive.objects import Found
from hooks_app.archive.pulse import PATIENCE_SECONDS, Pulse
from hooks_app.archive.reading import Reading, read
from hooks_app.archive.states import FileState
from hooks_app.archive.store_fault import StoppedError
from hooks_app.archive.throttle import Throttle
from hooks_app.archive.verify import compared
from tests.support.shelf import ARCHIVE

BLOCK_BYTES = 64 * 1024
BLOCK_SECONDS = 300.0
"""On a line that is hardly one."""


class Time:
    """Time that passes as bytes move; what systemd sees at each moment."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pulse = Pulse(lambda: self.seconds)
        self.stood_still = False

    def passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.stood_still |= not self.pulse.beats()


class SlowBody:
    """An object that comes a block at a time."""

    def __init__(self, data: bytes, time: Time) -> None:
        self._data, self._time = data, time

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        for at in range(0, len(self._data), size):
            self._time.passes(BLOCK_SECONDS)
            yield self._data[at : at + size]


class SlowStore:
    """Of boto3's client as much as is asked here."""

    def __init__(self, data: bytes, time: Time) -> None:
        self._data, self._time = data, time
        self.hung: threading.Event | None = None

    def get_object(self, **_: object) -> dict[str, Any]:
        return {"ContentLength": len(self._data), "Body": SlowBody(self._data, self._time)}

    def upload_part(self, **asked: Any) -> dict[str, str]:
        whole = hashlib.md5(usedforsecurity=False)
        while block := asked["Body"].read(BLOCK_BYTES):
            self._time.passes(BLOCK_SECONDS)
            whole.update(block)
        if self.hung is not None:
            self.hung.wait(60)
        return {"ETag": f'"{whole.hexdigest()}"'}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "demo.mp4"
    path.write_bytes(os.urandom(MIB))
    return path


def stored(path: Path) -> StoredFile:
    """Its row."""
    data = path.read_bytes()
    return StoredFile(
        id=1,
        name=path.name,
        kind="video",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        state=FileState.VERIFIED,
        object_key="recordings/demo/1/demo.mp4",
        upload_id=None,
        part_bytes=None,
        checks=None,
        etag=None,
    )


def reading_of(path: Path, beat: Callable[[], None] = lambda: None) -> Reading:
    """As the archiver reads it."""
    with path.open("rb") as file:
        return read(path.name, file.fileno(), MIB, lambda: False, beat)


def never() -> bool:
    """Nobody wants an end."""
    return False


def test_a_restore_that_takes_hours_goes_on(path: Path, time: Time, tmp_path: Path) -> None:
    store = cast("Any", SlowStore(path.read_bytes(), time))
    with (tmp_path / "back").open("wb") as out:
        fetch(store, ARCHIVE, stored(path), out.fileno(), never, time.pulse.beat)
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    assert time.seconds > 5 * PATIENCE_SECONDS
    assert not time.stood_still


def test_a_restore_ends_when_it_is_told_to_and_leaves_nothing(path: Path, time: Time, tmp_path: Path) -> None:
    store = cast("Any", SlowStore(path.read_bytes(), time))
    with (tmp_path / "back").open("wb") as out, pytest.raises(StoppedError):
        fetch(store, ARCHIVE, stored(path), out.fileno(), lambda: time.seconds > 1000, time.pulse.beat)
    assert time.seconds < 1500
    assert (tmp_path / "back").stat().st_size == 0


def test_a_file_that_is_read_back_for_hours_goes_on(path: Path, time: Time) -> None:
    store, reading = cast("Any", SlowStore(path.read_bytes(), time)), reading_of(path)
    found = Found(MIB, "an etag of its own", "", locked=False)
    assert compared(store, ARCHIVE, "recordings/x", found, reading, never, time.pulse.beat) == "reread"
    assert time.seconds > 5 * PATIENCE_SECONDS
    assert not time.stood_still


def test_a_big_file_that_is_read_here_goes_on_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    beats, path = [], tmp_path / "big.mp4"
    with path.open("wb") as out:
        out.truncate(64 * MIB)
    reading_of(path, lambda: beats.append(1))
    assert len(beats) >= 64
    with path.open("rb") as file, pytest.raises(StoppedError):
        # In the midst of a part, not after it.
        read(path.name, file.fileno(), 64 * MIB, lambda: len(beats) > 70, lambda: beats.append(1))
    assert len(beats) < 80


def send(store: SlowStore, path: Path, beat: Callable[[], None], stop: Callable[[], bool] = never) -> list[Part]:
    """Its only part goes out."""
    sent: list[Part] = []
    upload = Multipart(cast("Any", store), cast("Any", store), ARCHIVE, "recordings/x", "an upload")
    with path.open("rb") as file:
        parts = iter(enumerate(reading_of(path).parts, 1))
        upload.send(file.fileno(), parts, Throttle(0), sent.append, stop, beat)
    return sent


def test_a_part_that_takes_hours_goes_on(path: Path, time: Time) -> None:
    assert [part.number for part in send(SlowStore(b"", time), path, time.pulse.beat)] == [1]
    assert time.seconds > 5 * PATIENCE_SECONDS
    assert not time.stood_still


def test_a_store_that_never_answers_is_noticed(path: Path, time: Time) -> None:
    store = SlowStore(b"", time)
    store.hung = threading.Event()
    asked = 0

    def stop() -> bool:
        # Asked several times a second, whatever the store does.
        nonlocal asked
        asked += 1
        if asked > 3:
            time.passes(PATIENCE_SECONDS / 2)
        if time.stood_still and store.hung is not None:
            store.hung.set()
        return False

    send(store, path, time.pulse.beat, stop)
    assert time.stood_still
