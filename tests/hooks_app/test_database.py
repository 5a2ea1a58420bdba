"""Does the database keep what was promised?"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError

from headend.model.facts import HookFacts
from hooks_app.database import BUSY_SECONDS, Database
from hooks_app.tables import Base, SessionRow
from tests.hooks_app.conftest import World


@pytest.mark.parametrize(
    "pragma, value", [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)]
)
def test_sqlite_is_set_to(facts: HookFacts, pragma: str, value: str | int) -> None:
    database = Database(facts.database_url)
    with database.read() as db:
        assert db.execute(text(f"PRAGMA {pragma}")).scalar() == value
    database.close()
    assert BUSY_SECONDS == 5.0


def test_a_migration_up_down_and_up_again_leaves_the_tables_of_the_model(world: World) -> None:
    world.go_live()
    world.database.migrate("base")
    assert set(inspect(world.database.engine).get_table_names()) == {"alembic_version"}
    world.database.migrate()
    assert set(inspect(world.database.engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    assert world.sessions() == []


def test_migrating_again_keeps_every_row(world: World) -> None:
    world.go_live()
    world.database.migrate()
    assert (len(world.sessions()), len(world.keys.list())) == (1, 1)


def test_the_migrations_make_exactly_the_models_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_stream_never_has_two_open_sessions(world: World) -> None:
    session = world.ledger.begin("demo", 7)
    row = {"slug": "demo", "client_id": 8, "state": "starting", "since": session.since, "started_at": session.since}
    with pytest.raises(IntegrityError), world.database.write() as db:
        db.add(SessionRow(**row))


def test_a_writer_waits_for_another_process_that_lets_go_in_time(facts: HookFacts, world: World) -> None:
    patient = Database(facts.database_url, busy_seconds=5)
    other = sqlite3.connect(str(world.database.engine.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.5, lambda: other.execute("COMMIT"))
    release.start()
    started = time.monotonic()
    with patient.write() as db:
        db.execute(text("UPDATE stream_key SET label = 'waited'"))
    assert 0.3 < time.monotonic() - started < 5
    release.join()
    other.close()
    patient.close()


def test_readers_are_not_held_up_by_a_writer(world: World) -> None:
    with world.database.write() as db:
        db.execute(text("UPDATE stream_key SET label = 'writing'"))
        assert world.state() == "offline"


def test_a_writer_takes_its_lock_at_the_beginning(world: World) -> None:
    with world.database.write() as first:
        first.execute(text("SELECT 1"))
        with pytest.raises(OperationalError), world.database.write() as second:
            second.execute(text("SELECT 1"))


def test_a_full_disk_is_a_503_and_the_app_recovers_by_itself(world: World) -> None:
    with full_disk(world.database):
        assert fill(world) == 503
    assert world.publish() == 200


def fill(world: World) -> int:
    """Publish until the database cannot grow any more."""
    for client in range(2000):
        status = world.publish(client=client)
        if status != 200:
            return status
        world.leave(client)
    return 200


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """A database that may not grow: what a full disk is to SQLite."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite takes it as: no more than there are.

    event.listen(database.engine, "connect", limit)
    database.engine.dispose()
    yield
    event.remove(database.engine, "connect", limit)
    database.engine.dispose()
