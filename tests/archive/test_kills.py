"""Is every part in exactly one recording, whenever the archiver is killed?

HEADEND_CYCLES says how often it is; CI does a part of what the promise was measured with.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.collector import Collector
from hooks_app.archive.folders import Folder
from hooks_app.archive.part_file import PartName
from hooks_app.archive.prune import Disk
from hooks_app.archive.pruner import Pruner
from hooks_app.clock import SystemClock
from hooks_app.database import Database
from hooks_app.here import Here
from hooks_app.tables import SessionRow
from tests.support.shelf import FLV, Shelf, policy

KILLS = int(os.environ.get("HEADEND_CYCLES", "10"))
SESSIONS, PARTS = 6, 5


def archiver(url: str, root: Path) -> int:
    """Another process that collects, finishes, archives and prunes as fast as it can until it is killed; its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        database = Database(url)
        clock = SystemClock()
        catalogue = Catalogue(database, Here(clock=clock, host="origin-1", boot_id="boot-1"))
        with Folder.at(str(root / "buffer")) as buffer, Folder.at(str(root / "kept")) as kept:
            # Recordings of two parts at most: more of them are closed, and sessions are split.
            collector = Collector(catalogue, buffer, kept, clock, longest_hours=0.5, keep_raw=True)
            while True:
                collector.collect()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def pruner(url: str, root: Path) -> int:
    """Another process that prunes until it is killed; its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        with Folder.at(str(root / "kept")) as kept:
            while True:
                pruner_of(Database(url), kept).run()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def pruner_of(database: Database, kept: Folder) -> Pruner:
    """One that removes at once what it may."""
    clock = SystemClock()
    catalogue = Catalogue(database, Here(clock=clock, host="origin-1", boot_id="boot-1"))
    wanted = policy(local=timedelta(0), grace=timedelta(0))
    return Pruner(catalogue, kept, wanted, clock, None, lambda: Disk(total_bytes=100, free_bytes=90))


def files_in(folder: Path) -> int:
    """How many are below a folder, of which more may go at any moment."""
    return sum(len(names) for _, _, names in os.walk(folder))


def kill(pid: int, folder: Path, rest: int, more_seconds: float) -> None:
    """SIGKILL, as soon as no more files than so many are below a folder, and a moment later."""
    end = time.monotonic() + 60
    while files_in(folder) > rest:
        assert time.monotonic() < end
    time.sleep(more_seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "It ended by itself."


def fill(shelf: Shelf, cycle: int) -> list[str]:
    """Some sessions that ended a while ago, with their parts; the names."""
    names, now = [], datetime.now(UTC)
    with shelf.database.write() as db:
        for number in range(SESSIONS):
            client = cycle * SESSIONS + number + 1
            start = now - timedelta(hours=3, seconds=client)
            times = {"since": now, "started_at": start, "admitted_at": start, "ended_at": now - timedelta(hours=1)}
            # The last one's publisher is known to nobody.
            if number < SESSIONS - 1:
                row = SessionRow(slug=f"demo-{number}", client_id=client, state="ended", host="origin-1", **times)
                db.add(row)
            for part in range(PARTS):
                begun = start + timedelta(minutes=15 * part)
                name = f"demo-{number}-{int(begun.timestamp())}-{client}-{part + 1}.flv"
                path = shelf.root / "buffer" / f"{name}.new"
                path.write_bytes(FLV + name.encode())
                end = begun.timestamp() + 890
                os.utime(path, (end, end))
                path.rename(path.with_suffix(""))
                names.append(name)
    return names


@pytest.mark.timeout(1800)
def test_whenever_it_is_killed_every_part_ends_in_exactly_one_recording(shelf: Shelf) -> None:
    dice, names, middle = random.Random(6), [], 0
    url = shelf.database.engine.url.render_as_string(hide_password=False)
    for cycle in range(KILLS):
        names += fill(shelf, cycle)
        buffer = shelf.root / "buffer"
        # Somewhere between the first part and the last one that it moves.
        rest = dice.randint(1, files_in(buffer))
        # No connection goes along into the fork.
        shelf.database.engine.dispose()
        kill(archiver(url, shelf.root), buffer, rest, dice.uniform(0.0, 0.02))
        middle += files_in(buffer) > 0
        counted = Counter(file.name for row in shelf.rows() for file in shelf.files(row.id))
        counted.update(name for name in shelf.buffer.names() if name not in counted)
        assert counted == Counter(names)
        shelf.database.engine.dispose()
    assert middle > KILLS / 3, "It was hardly ever killed at work."
    clock = SystemClock()
    collector = Collector(shelf.catalogue, shelf.buffer, shelf.kept, clock, longest_hours=0.5, keep_raw=True)
    collector.collect()
    collector.collect()
    assert shelf.buffer.names() == []
    recorded = {str(row.id): sorted(file.name for file in shelf.files(row.id)) for row in shelf.rows()}
    assert recorded == shelf.disk()
    assert Counter(name for files in recorded.values() for name in files) == Counter(names)
    for row in shelf.rows():
        parts = [PartName.of(name) for name in recorded[str(row.id)]]
        assert {part.slug for part in parts if part is not None} == {row.slug}
        assert (row.session_id is None) == (row.slug == f"demo-{SESSIONS - 1}")
        assert row.session_id is None or len({part.client_id for part in parts if part is not None}) == 1


@pytest.mark.timeout(1800)
def test_whenever_a_prune_run_is_killed_nothing_goes_unsaid_and_the_next_one_finishes_it(shelf: Shelf) -> None:
    dice = random.Random(7)
    url = shelf.database.engine.url.render_as_string(hide_password=False)
    safe, kept = [], shelf.root / "kept"
    for cycle in range(KILLS):
        for number in range(8):
            client = 1000 + cycle * 8 + number
            recording_id = shelf.archived(client)
            if number % 2:
                shelf.change(recording_id, held_at=shelf.now)
                safe.append(recording_id)
        # Somewhere between the first file and the last one that it removes.
        rest = files_in(kept) - dice.randint(0, 8)
        shelf.database.engine.dispose()
        kill(pruner(url, shelf.root), kept, rest, dice.uniform(0.0, 0.02))
        for row in shelf.rows():
            here = set(shelf.disk().get(str(row.id), []))
            gone = {file.name for file in shelf.files(row.id) if file.local_removed_at is not None}
            # Whatever the catalogue says is here is here.
            assert {file.name for file in shelf.files(row.id)} - gone <= here
        shelf.database.engine.dispose()
    pruner_of(shelf.database, shelf.kept).run()
    assert sorted(shelf.disk()) == sorted(map(str, safe))
    assert all(len(names) == 2 for names in shelf.disk().values())
