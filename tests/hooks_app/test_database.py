"""Does the database keep what was promised?"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from headend.model.facts import HookFacts
from hooks_app.audit import note
from hooks_app.database import BUSY_SECONDS, Database, MigrationError, _newest_revision
from hooks_app.table_base import Base
from hooks_app.tables import SessionRow
from tests.hooks_app.conftest import World

SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
"""For what is SQLite's own way."""


@pytest.mark.parametrize(
    "pragma, value", [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)]
)
@SQLITE
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


def test_down_to_the_second_release_and_up_again_keeps_keys_and_sessions(world: World) -> None:
    gated, _ = world.add_key("demo", "guest", gate="events")
    world.with_streams(reconnect_grace_seconds=30)
    assert world.call(mode="signed", nonce="n0nce-of-one") == 200
    world.encode()
    world.app.state.watcher.look()
    world.hang_up()
    world.database.migrate("0002")
    with world.database.read() as db:
        rows = db.execute(text("SELECT slug, client_id, state, nonce FROM session")).all()
        # That release would let the gated key in at any time.
        active = db.execute(text("SELECT key_id FROM stream_key WHERE revoked_at IS NULL")).scalars().all()
    assert ([tuple(row) for row in rows], active) == ([("demo", 7, "starting", "n0nce-of-one")], [world.key_id])
    world.database.migrate()
    assert [(row.slug, row.client_id, row.host, row.nonce) for row in world.sessions()] == [
        ("demo", 7, "", "n0nce-of-one")
    ]
    assert world.ledger.peers_of(world.key_id, "n0nce-of-one") == {"203.0.113.9:40000"}
    assert {key.key_id for key in world.keys.list()} == {world.key_id, gated}


def test_down_to_the_first_release_and_up_again_keeps_every_row(world: World) -> None:
    expiring, _ = world.add_key("demo", "", world.clock.now() + timedelta(days=1))
    world.call(mode="signed", nonce="n0nce-of-one")
    world.database.migrate("0001")
    columns = {column["name"] for column in inspect(world.database.engine).get_columns("session")}
    assert "nonce" not in columns
    world.database.migrate()
    assert [(row.slug, row.client_id, row.protocol, row.nonce) for row in world.sessions()] == [
        ("demo", 7, "rtmp", None)
    ]
    # A release that knows no expiry must not let it in for ever.
    assert {key.key_id for key in world.keys.list()} == {world.key_id, expiring}
    assert [key.key_id for key in world.keys.unrevoked()] == [world.key_id]


def test_rows_of_the_first_release_are_rtmp_s(world: World) -> None:
    world.database.migrate("0001")
    with world.database.write() as db:
        db.execute(
            text(
                "INSERT INTO session (slug, client_id, state, since, started_at)"
                " VALUES ('demo', 7, 'starting', '2026-03-01 12:00:00', '2026-03-01 12:00:00')"
            )
        )
    world.database.migrate()
    assert world.ledger.open_sessions()["demo"].publisher.protocol == "rtmp"


@pytest.mark.parametrize("table", ["transition", "audit"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = at", "DELETE FROM {}"])
def test_the_history_is_only_ever_added_to(world: World, table: str, statement: str) -> None:
    world.go_live()
    with world.database.write() as db:
        note(db, actor="host:root", action="test", target="x", owner=None, now=world.clock.now())
    with pytest.raises((IntegrityError, DBAPIError), match="append-only"), world.database.write() as db:
        db.execute(text(statement.format(table)))


@SQLITE
def test_a_used_nonce_is_found_by_its_index(world: World) -> None:
    with world.database.read() as db:
        plan = db.execute(text("EXPLAIN QUERY PLAN SELECT peer FROM nonce WHERE key_id = 'a' AND nonce = 'b'"))
        assert "USING COVERING INDEX" in str(plan.all())


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


def test_a_writer_waits_for_another_that_lets_go_in_time(facts: HookFacts, world: World) -> None:
    patient, held, over = Database(facts.database_url, busy_seconds=5), threading.Event(), threading.Event()

    def hold() -> None:
        with world.database.write() as db:
            db.execute(text("UPDATE stream_key SET label = 'held'"))
            held.set()
            over.wait(0.5)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(5)
    started = time.monotonic()
    with patient.write() as db:
        db.execute(text("UPDATE stream_key SET label = 'waited'"))
    assert 0.3 < time.monotonic() - started < 5
    other.join()
    patient.close()
    assert {key.label for key in world.keys.list()} == {"waited"}


def test_a_writer_that_waits_too_long_fails_in_time_and_leaves_nothing(facts: HookFacts, world: World) -> None:
    impatient = Database(facts.database_url, busy_seconds=1)
    with world.database.write() as db:
        db.execute(text("UPDATE stream_key SET label = 'held'"))
        started = time.monotonic()
        with pytest.raises(OperationalError), impatient.write() as late:
            late.execute(text("UPDATE stream_key SET label = 'late'"))
        assert 0.8 < time.monotonic() - started < 3
    impatient.close()
    assert {key.label for key in world.keys.list()} == {"held"}


def test_readers_are_not_held_up_by_a_writer(world: World) -> None:
    with world.database.write() as db:
        db.execute(text("UPDATE stream_key SET label = 'writing'"))
        assert world.state() == "offline"


def test_a_writer_takes_its_lock_at_the_beginning(world: World) -> None:
    with world.database.write() as first:
        first.execute(text("SELECT 1"))
        with pytest.raises(OperationalError), world.database.write() as second:
            second.execute(text("SELECT 1"))


@SQLITE
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


def test_a_connection_that_is_given_back_after_the_end_is_closed(database: Database) -> None:
    with database.read() as db:
        raw: Any = db.connection().connection.dbapi_connection
        database.close()
    with pytest.raises(Exception, match="closed"):
        raw.execute("SELECT 1")


def test_a_start_with_the_newest_tables_does_not_load_the_migration_tool(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.sqlite3"
    database = Database(url)
    database.migrate()
    database.close()
    program = (
        "import sys, hooks_app.__main__; from hooks_app.database import Database; "
        f"Database({url!r}).migrate(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_tables_of_a_later_release_are_refused(world: World) -> None:
    with world.database.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match="9999"):
        world.database.migrate()
    with world.database.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": _newest_revision()})
