"""The disk of the database is full: nobody new is let in, nobody is dropped, and room alone makes it well again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts
from hooks_app.database import Database
from tests.hooks_app.conftest import World
from tests.support.postgres import USER, Postgres

DISK_MIB = 24
OTHER = "coffee-and-stocks"


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small file system of this test's own, where a server's own user may go as well. Only root may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="headend-disk-"))
    folder.chmod(0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@pytest.fixture
def database_url(engine: str, disk: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty, migrated database on that disk."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), disk / "state.sqlite3")
        yield f"sqlite:///{disk}/state.sqlite3"
        return
    server: Postgres = request.getfixturevalue("server")
    shutil.chown(disk, USER, USER)
    server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'")
    server.sql("CREATE DATABASE on_small TEMPLATE template TABLESPACE small")
    yield server.url("on_small")
    server.drop("on_small")
    server.sql("DROP TABLESPACE small")


def fill(disk: Path) -> Path:
    """Take all of the room that is left; the file that holds it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def pass_time(world: World, seconds: int) -> None:
    """The loops turn, as far as the database lets them, while the encoder of what is on air goes on."""
    for _ in range(0, seconds, 2):
        world.encode()
        with suppress(SQLAlchemyError):
            world.app.state.reconciler.round()
            world.app.state.watcher.look()
        world.clock.sleep(2)


def refused_at_last(world: World, key: str, clients: Iterator[int]) -> None:
    """Publishers come and go until the last free page is written; then they hear: not now."""
    for client in clients:
        status = world.publish(client, key, OTHER)
        if status == 503:
            return
        assert status == 200
        world.ingest.unpublish(OTHER)
        # Longer than the grace: the next publisher is another session.
        pass_time(world, 40)
        assert client < 3000
    raise AssertionError("unreachable")


def test_a_full_disk_refuses_drops_nobody_and_is_well_when_there_is_room(
    facts: HookFacts, database: Database, disk: Path
) -> None:
    world = World(facts, database)
    _, key = world.add_key(OTHER, "van")
    world.go_live()
    filler, clients = fill(disk), count(100)
    refused_at_last(world, key, clients)
    for _ in range(5):
        assert world.publish(next(clients), key, OTHER) == 503
        pass_time(world, 2)
    # What is on air is still there, and still told.
    assert world.ingest.dropped == []
    assert world.state() == "live"
    filler.unlink()
    pass_time(world, 40)
    assert world.publish(next(clients), key, OTHER) == 200
    assert world.state() == "live"
    with database.read() as db:
        # Every session has the beginning of its history, and every refused one neither.
        begun = (
            "SELECT count(*) FROM session WHERE id NOT IN (SELECT session_id FROM transition WHERE subject = 'session')"
        )
        assert db.scalar(text(begun)) == 0
        lost = "SELECT count(*) FROM transition WHERE session_id NOT IN (SELECT id FROM session)"
        assert db.scalar(text(lost)) == 0
        if database.engine.dialect.name == "sqlite":
            assert db.scalar(text("PRAGMA integrity_check")) == "ok"
