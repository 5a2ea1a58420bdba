"""A disk that fills up ends a recording behind its last whole frame, disturbs nobody who is live, and is used again."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.support.ingest_nginx import live_publisher
from tests.support.recording_ingest import (
    Recording,
    decode,
    follows,
    frames,
    is_locked,
    name_of,
    recording,
    small_disk,
    tags,
    wait,
)

MIB = 1024 * 1024

# Four times as fast as it plays: about 2 MB in a second.
FAST = ("-readrate", "4", "-stream_loop", "-1")

PROMISED_SECONDS = 30


def free_mib(folder: Path) -> float:
    """What is free on its disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize / MIB


def strangers_are_served(here: Recording) -> None:
    """Connections of now have the numbers of descriptors that were just closed: they must work as any other."""
    for count in range(10):
        with here.ingest.client() as client:
            client.connect()
            client.publish(f"stranger-{count}")


def closed_whole(part: Path, film: list[str]) -> None:
    """It ends behind a whole tag, begins with a keyframe and plays."""
    wait(lambda: not is_locked(part), 5)
    assert tags(part)
    assert follows(frames(part), film)
    assert decode(part) == ""


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path, buffer: Path, short_film: Path) -> None:
    seen, film = tmp_path / "seen.flv", frames(short_film)
    with small_disk(buffer, 16), recording(buffer, "record_only demo;") as here:
        workers = here.ingest.worker_pids()
        with live_publisher(here.ingest), here.watching("demo", seen):
            with here.publishing(short_film, "demo", *FAST):
                wait(lambda: "No space left on device" in here.ingest.errors(), 60)
                first = here.parts()[0]
                closed_whole(first, film)
                assert len(frames(first)) > 500
                for _ in range(12):
                    strangers_are_served(here)
                    time.sleep(1)
                # Meanwhile it was tried again: nothing is left of that, or a few frames that had room.
                tries = here.parts()[1:]
                for part in tries:
                    closed_whole(part, film)
                assert not any(name.startswith(str(buffer)) for name in here.descriptors())

                for part in (first, *tries):
                    part.unlink()
                assert wait(here.parts, PROMISED_SECONDS) < PROMISED_SECONDS
                again = here.parts()[0]
                assert int(name_of(again)["part"]) == 2 + len(tries)
                wait(lambda: again.stat().st_size > MIB, 10)
            assert here.ingest.worker_pids() == workers
            assert "<name>bystander</name>" in here.ingest.stat()
        closed_whole(again, film)
    # Not a frame was missing for whoever watched.
    assert len(frames(seen)) > 1000
    assert follows(frames(seen), film)


def test_recording_stops_while_there_is_still_room_for_others(tmp_path: Path, buffer: Path, short_film: Path) -> None:
    seen, film = tmp_path / "seen.flv", frames(short_film)
    with small_disk(buffer, 64), recording(buffer, "record_min_free 32m;") as here:
        with here.watching("demo", seen), here.publishing(short_film, "demo", *FAST):
            wait(lambda: "less than record_min_free" in here.ingest.errors(), 60)
            (first,) = here.parts()
            closed_whole(first, film)
            # It is looked at once a second.
            assert 16 < free_mib(buffer) < 32
            time.sleep(12)
            assert here.parts() == [first]
            assert here.ingest.errors().count("less than record_min_free") == 1

            first.unlink()
            assert wait(here.parts, PROMISED_SECONDS) < PROMISED_SECONDS
            assert '"demo" is recorded again' in here.ingest.errors()
        closed_whole(here.parts()[0], film)
    assert follows(frames(seen), film)


def test_nothing_is_begun_on_a_disk_that_is_too_full(buffer: Path, short_film: Path) -> None:
    with small_disk(buffer, 16), recording(buffer, "record_min_free 16m;") as here:
        (buffer / "filler").write_bytes(bytes(MIB))
        here.publish(short_film)
        assert here.parts() == []
        assert "less than record_min_free" in here.ingest.errors()
