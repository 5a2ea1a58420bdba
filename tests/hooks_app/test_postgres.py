"""Is nothing lost and nothing done twice when the server of several hosts is restarted, full or raced for?"""

from __future__ import annotations

import gc
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts
from hooks_app.database import Database
from hooks_app.here import Here
from hooks_app.history import History
from hooks_app.ledger import ElsewhereError, Ledger
from hooks_app.states import Trigger
from hooks_app.tables import ApiTokenRow
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import FakeClock
from tests.support.postgres import Postgres, postgres

WRITERS = 8


@pytest.fixture(autouse=True)
def broken_connections_are_gone() -> Iterator[None]:
    """A server that goes while a connection is being set up may leave SQLAlchemy one that is closed only as garbage;
    that is collected here, and not held against whichever test comes later."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def engine() -> str:
    """What only a server can be: restarted, full, raced for by several hosts."""
    return "postgresql"


@contextmanager
def together(count: int, work: Callable[[int], None]) -> Iterator[None]:
    """So many threads at work, for as long as the context lasts and until they are done."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()]


def token(number: int, turn: int, at: object) -> ApiTokenRow:
    """A row that says who wrote it."""
    return ApiTokenRow(
        token_id=f"{number}-{turn}", label="", secret_sha256=b"", role="viewer", created_at=at,
    )  # fmt: skip


def test_a_restart_under_load_loses_no_commit_that_was_answered_and_hangs_nobody() -> None:
    with postgres() as server:
        server.sql("CREATE DATABASE load")
        database = Database(server.url("load"), busy_seconds=2)
        database.migrate()
        answered: list[str] = []
        faults: list[str] = []
        over = threading.Event()

        def write(number: int) -> None:
            at, turn = FakeClock().now(), 0
            while not over.is_set():
                turn += 1
                try:
                    with database.write() as db:
                        db.add(token(number, turn, at))
                    answered.append(f"{number}-{turn}")
                except SQLAlchemyError as error:
                    faults.append(type(error).__name__)
                    time.sleep(0.05)

        with together(WRITERS, write):
            try:
                for _ in range(3):
                    time.sleep(0.7)
                    server.stop("immediate")
                    time.sleep(0.3)
                    server.start()
                before = len(answered)
                time.sleep(1)
            finally:
                over.set()
        # It goes on by itself after the last restart.
        assert len(answered) > before
        assert faults
        with database.read() as db:
            kept = set(db.execute(text("SELECT token_id FROM api_token")).scalars())
        assert set(answered) - kept == set()
        database.close()


def test_while_the_server_is_away_nobody_is_admitted_and_the_answer_is_no_for_now() -> None:
    """The whole app is asked in test_publish.py with a database that is held; here the server is gone."""
    with postgres() as server:
        server.sql("CREATE DATABASE gone")
        database = Database(server.url("gone"), busy_seconds=1)
        database.migrate()
        server.stop()
        started = time.monotonic()
        with pytest.raises(SQLAlchemyError), database.write() as db:
            db.execute(text("SELECT 1"))
        assert time.monotonic() - started < 10
        server.start()
        with database.write() as db:
            assert db.scalar(text("SELECT 1")) == 1
        database.close()


def test_more_writers_than_connections_wait_for_their_turn(facts: HookFacts, server: Postgres) -> None:
    databases = [Database(facts.database_url, busy_seconds=20) for _ in range(4)]
    faults: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with databases[number % 4].write() as db:
                    db.execute(text(f"INSERT INTO host (name, at) VALUES ('{number}-{turn}', now())"))
        except SQLAlchemyError as error:
            faults.append(error)

    with together(24, write):
        pass
    with databases[0].read() as db:
        assert (db.scalar(text("SELECT count(*) FROM host")), faults) == (240, [])
    for database in databases:
        database.close()


def test_of_two_hosts_that_race_for_a_stream_one_has_it(facts: HookFacts, world: World) -> None:
    databases = [Database(facts.database_url, busy_seconds=20) for _ in range(2)]
    hosts = [
        Ledger(database, Here(clock=world.clock, host=name, boot_id=name))
        for database, name in zip(databases, ("origin-1", "origin-2"), strict=True)
    ]
    for ledger in hosts:
        ledger.tick()
    for turn in range(20):
        begun = race(hosts, turn)
        assert begun.count(True) == 1
        (session,) = world.ledger.open_sessions().values()
        hosts[begun.index(True)].move(session.id, Trigger.OVER, "next turn")
    assert len(world.sessions()) == 20
    for database in databases:
        database.close()


def race(hosts: list[Ledger], turn: int) -> list[bool]:
    """Which of the hosts began a session of the same stream at the same moment."""
    gate, begun = threading.Barrier(len(hosts)), [False] * len(hosts)

    def begin(number: int) -> None:
        gate.wait(10)
        try:
            hosts[number].begin("demo", 10 * turn + number)
            begun[number] = True
        except ElsewhereError:
            begun[number] = False

    with together(len(hosts), begin):
        pass
    return begun


def test_the_ids_of_the_history_become_visible_in_their_order(facts: HookFacts, world: World) -> None:
    sessions = [world.ledger.begin(f"stream-{number}", number).id for number in range(WRITERS)]
    over, gaps, last = threading.Event(), [], 0

    def write(number: int) -> None:
        database = Database(facts.database_url, busy_seconds=20)
        ledger = Ledger(database, world.here)
        for turn in range(40):
            ledger.move(sessions[number], Trigger.STALLED if turn % 2 else Trigger.PLAYABLE)
        database.close()

    def follow() -> None:
        nonlocal last
        database = Database(facts.database_url)
        history = History(database)
        last = history.newest_id()
        while True:
            is_last_look = over.is_set()
            for change in history.after(last, 500):
                if change.id != last + 1:
                    gaps.append((last, change.id))
                last = change.id
            if is_last_look:
                break
        database.close()

    follower = threading.Thread(target=follow)
    follower.start()
    time.sleep(0.2)
    with together(WRITERS, write):
        pass
    over.set()
    follower.join(30)
    assert (gaps, last) == ([], History(world.database).newest_id())
