"""The state database: SQLite by default, any SQLAlchemy URL by configuration."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 5.0
"""How long a statement waits for another process's lock before it fails."""


class Database:
    """One engine, with separate doors for readers and writers."""

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS) -> None:
        """Connects lazily: an unreachable database fails the first use, not the construction."""
        sqlite = url.startswith("sqlite")
        # hide_parameters: an exception's text must never carry a row's values into the journal.
        self.engine = create_engine(
            url,
            hide_parameters=True,
            pool_timeout=busy_seconds,
            connect_args={"timeout": busy_seconds} if sqlite else {},
        )
        if sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(headend_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes: takes the write lock at once, commits at the end, rolls back on an exception."""
        with Session(self._writer) as session, session.begin():
            yield session

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to a revision, in one transaction; `base` takes them all away."""
        with as_file(files("hooks_app") / "migrations") as scripts, self._writer.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(scripts).replace("%", "%%"))
            config.attributes["connection"] = connection
            step = command.downgrade if revision == "base" else command.upgrade
            step(config, revision)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


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
