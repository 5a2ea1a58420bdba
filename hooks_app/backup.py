"""Backups of the SQLite database: taken while it is written, checked, and put back.

PostgreSQL has its own means (pg_dump, archiving), on its own server.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from hooks_app.database import Database
from hooks_app.database_file import PRIVATE, give_mode, mode_beside

KEPT = 288
"""Two days of one every ten minutes."""
PAGES = 256
"""Pages of 4 KiB between two breaths: a writer waits for that long at most."""
_NAME = "state-{:%Y%m%dT%H%M%SZ}.sqlite3"
_PATTERN = "state-????????T??????Z.sqlite3"


class BackupError(Exception):
    """A backup cannot be taken or put back; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One file."""

    path: Path
    size_bytes: int


def sqlite_path(url: str) -> Path | None:
    """The file of a database URL; None for another engine than SQLite."""
    parts = make_url(url)
    return Path(parts.database) if parts.get_backend_name() == "sqlite" and parts.database else None


def take(source: Path, folder: Path, now: datetime, keep: int = KEPT) -> Backup:
    """Copy the database as of one moment, check the copy, and only then give it its name; then remove the oldest.

    Raises BackupError; nothing of an attempt that failed is left.
    """
    if not source.exists():
        raise BackupError(f"{source}: there is no database. Is headend-hooks.service running?")
    path = folder / _NAME.format(now)
    new = path.with_suffix(".new")
    try:
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        with closing(_read_only(source)) as original, closing(sqlite3.connect(new)) as copy:
            original.backup(copy, pages=PAGES, sleep=0.005)
            # One file, that needs no log beside it to be whole.
            copy.execute("PRAGMA journal_mode=DELETE")
        verify(new)
        _to_disk(new)
        new.replace(path)
        _to_disk(folder)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{path}: {error}. Check the folder, its owner and the disk.") from None
    finally:
        new.unlink(missing_ok=True)
    for old in listed(folder)[keep:]:
        old.path.unlink(missing_ok=True)
    return Backup(path, path.stat().st_size)


def listed(folder: Path) -> list[Backup]:
    """The backups there are, the newest first."""
    return [Backup(path, path.stat().st_size) for path in sorted(folder.glob(_PATTERN), reverse=True)]


def verify(path: Path) -> None:
    """Raises BackupError for a file that is damaged or none of ours."""
    try:
        with closing(_read_only(path)) as copy:
            found = [*copy.execute("PRAGMA integrity_check"), *copy.execute("PRAGMA foreign_key_check")]
            if found != [("ok",)]:
                raise BackupError(f"{path}: damaged: {found[0]}")
            if copy.execute("SELECT count(*) FROM alembic_version").fetchone() != (1,):
                raise BackupError(f"{path}: no database of Headend.")
    except sqlite3.Error as error:
        raise BackupError(f"{path}: {error}") from None


def restore(path: Path, target: Path, now: datetime) -> Path | None:
    """Put a backup in the place of the database; returns where the one that was there lies now.

    It is brought to this release's tables. Raises BackupError, also while the hook app runs.
    """
    verify(path)
    with exclusively(target):
        new = target.with_suffix(".restored")
        try:
            with closing(_read_only(path)) as original, closing(sqlite3.connect(new)) as copy:
                original.backup(copy)
            database = Database(f"sqlite:///{new}")
            database.migrate()
            database.close()
            _to_disk(new)
            aside = _set_aside(target, now)
            give_mode(new, mode_beside(target))
            new.replace(target)
            _to_disk(target.parent)
        except (OSError, sqlite3.Error) as error:
            raise BackupError(f"{target}: {error}. Nothing was changed.") from None
        finally:
            for leftover in (new, Path(f"{new}-wal"), Path(f"{new}-shm")):
                leftover.unlink(missing_ok=True)
        return aside


@contextmanager
def in_use(target: Path) -> Iterator[None]:
    """The hook app holds this while it runs, and so do the announcer and the archiver."""
    with _lock(target, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusively(target: Path) -> Iterator[None]:
    """Nobody else has the database. Raises BackupError where one of them has."""
    try:
        with _lock(target, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield
    except BlockingIOError:
        raise BackupError(
            f"{target}: in use. Stop what uses it first: systemctl stop headend-hooks headend-announce headend-archive"
        ) from None


@contextmanager
def _lock(target: Path, how: int) -> Iterator[None]:
    lock = target.with_suffix(".lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        give_mode(lock, mode_beside(target))
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _set_aside(target: Path, now: datetime) -> Path | None:
    """The database with what it has not yet taken over from its log, under another name."""
    aside = None
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{target}{suffix}")
        if part.exists():
            moved = Path(f"{target}.before-{now:%Y%m%dT%H%M%SZ}{suffix}")
            part.replace(moved)
            aside = aside or moved
    return aside


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
