"""The state database: SQLite by default, any SQLAlchemy URL by configuration."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from hooks_app.database_file import share

BUSY_SECONDS = 5.0
"""How long a statement waits for another process's lock before it fails."""
STATEMENT_MS = 30_000
"""PostgreSQL: how long any statement may take, a migration's included."""
WRITER_LOCK = 0x68656164
"""PostgreSQL: the number of the advisory lock that writers take; nobody else on the database may."""


def reason_of(error: SQLAlchemyError) -> str:
    """What the database says, in one line and without a value of a row."""
    words = str(getattr(error, "orig", None) or type(error).__name__).splitlines()
    return words[0][:200] if words else type(error).__name__


class MigrationError(Exception):
    """The tables are of a release that this one does not know."""


class Database:
    """One engine, with separate doors for readers and writers."""

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS) -> None:
        """Connects lazily: an unreachable database fails the first use, not the construction."""
        parts = make_url(url)
        sqlite = parts.get_backend_name() == "sqlite"
        self._path = Path(parts.database) if sqlite and parts.database and parts.database != ":memory:" else None
        # hide_parameters: an exception's text must never carry a row's values into the journal.
        self.engine = create_engine(
            url,
            hide_parameters=True,
            pool_timeout=busy_seconds,
            # A connection that a restarted server has cut is noticed before it is used.
            pool_pre_ping=not sqlite,
            connect_args={"timeout": busy_seconds} if sqlite else _postgresql(busy_seconds),
        )
        if sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", _begin_sqlite if sqlite else _begin_postgresql)
        self._writer = self.engine.execution_options(headend_write=True)
        self._claimer = self._writer if sqlite else self.engine.execution_options(headend_write=None)
        self.wrote: Callable[[float], None] = lambda _seconds: None
        """Told how long each write took, the wait for the lock and the commit included, also of one that failed."""

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes: takes the write lock at once, commits at the end, rolls back on an exception."""
        began = time.monotonic()
        try:
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            self.wrote(time.monotonic() - began)

    @contextmanager
    def claim(self) -> Iterator[Session]:
        """A transaction on rows of a queue: on PostgreSQL it waits for no other writer, but skips their rows."""
        with Session(self._claimer, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to a revision, in one transaction: head, or back to base or to one that is named.

        Raises MigrationError.
        """
        if self._path is not None:
            share(self._path)
        if revision == "head" and self._revision() == _newest_revision():
            return
        # Only here: it is a fifth of what a start takes, and a crashed app must be back soon.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        with as_file(files("hooks_app") / "migrations") as scripts, self._writer.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(scripts).replace("%", "%%"))
            config.attributes["connection"] = connection
            step = command.downgrade if revision != "head" else command.upgrade
            try:
                step(config, revision)
            except CommandError as error:
                raise MigrationError(str(error)) from error

    def _revision(self) -> str | None:
        """Of the tables; None where there are none."""
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    def close(self) -> None:
        """Close every connection; one that a thread still has, when it gives it back."""
        event.listen(self.engine.pool, "checkin", lambda _connection, record: record.invalidate())
        self.engine.dispose()


def _newest_revision() -> str:
    """By the names of the scripts: each begins with its revision."""
    versions = (files("hooks_app") / "migrations" / "versions").iterdir()
    return max(script.name.partition("_")[0] for script in versions if script.name[0].isdigit())


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions behind our back: BEGIN is ours (see _begin_sqlite).
    connection.isolation_level = None
    # FULL: a commit that was answered survives power loss; writes are a few a second, so 1-7 ms each cost nothing.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE for writers: a reader that becomes a writer half-way fails without waiting for the busy timeout.
    write = connection.get_execution_options().get("headend_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _postgresql(busy_seconds: float) -> dict[str, Any]:
    """How to connect, with the password that systemd gives to the unit (LoadCredential), if it gives one.

    Without, libpq's own means count: a peer's name over a unix socket, a service file.
    """
    busy_ms = int(busy_seconds * 1000)
    options = f"-c lock_timeout={busy_ms} -c statement_timeout={STATEMENT_MS} -c timezone=UTC"
    known: dict[str, Any] = {"connect_timeout": max(2, math.ceil(busy_seconds)), "options": options}
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    password = Path(folder) / "database" if folder else None
    if password is not None and password.exists():
        known["password"] = password.read_text("utf-8").strip()
    return known


def _begin_postgresql(connection: Connection) -> None:
    write = connection.get_execution_options().get("headend_write", False)
    if write:
        # One writer at a time, as with SQLite: what is decided on what was read stays true until the commit, and ids
        # of transitions become visible in their order.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    elif write is False:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
