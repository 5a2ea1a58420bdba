"""A journal on disk, for uploads that are killed: the smallest that keeps what it is told."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

from hooks_app.archive.journal import Part, StoredFile
from hooks_app.archive.states import FileState

TABLES = """
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, name TEXT, bytes INTEGER, sha256 TEXT, state TEXT DEFAULT 'local', object_key TEXT,
    upload_id TEXT, part_bytes INTEGER, checks TEXT, etag TEXT, verified_by TEXT, restarts INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS part (file_id INTEGER, number INTEGER, bytes INTEGER, md5 TEXT, etag TEXT,
    PRIMARY KEY (file_id, number));
"""


class DiskJournal:
    """One SQLite file; every call a transaction."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._db.executescript(TABLES)

    def close(self) -> None:
        """Let go of it."""
        self._db.close()

    def add(self, name: str, size_bytes: int, object_key: str, sha256: str | None = None) -> StoredFile:
        """A file that is to go to the store."""
        done = self._db.execute(
            "INSERT INTO file (name, bytes, object_key, sha256) VALUES (?, ?, ?, ?)",
            (name, size_bytes, object_key, sha256),
        )
        return self.file(done.lastrowid or 0)

    def file(self, file_id: int) -> StoredFile:
        """As it is now."""
        row = self._db.execute(
            "SELECT id, name, bytes, sha256, state, object_key, upload_id, part_bytes, checks, etag FROM file"
            " WHERE id = ?",
            (file_id,),
        ).fetchone()
        number, name, size, sha256, state, key, upload_id, part_bytes, checks, etag = row
        return StoredFile(
            id=number,
            name=name,
            kind="video",
            bytes=size,
            sha256=sha256,
            state=FileState(state),
            object_key=key,
            upload_id=upload_id,
            part_bytes=part_bytes,
            checks=checks,
            etag=etag,
        )

    def how(self, file_id: int) -> str | None:
        """How it was verified; None while it was not."""
        return self._one("SELECT verified_by FROM file WHERE id = ?", file_id)

    def restarts(self, file_id: int) -> int:
        """How often it began anew."""
        return int(self._one("SELECT restarts FROM file WHERE id = ?", file_id) or 0)

    def parts(self, file_id: int) -> dict[int, Part]:
        rows = self._db.execute("SELECT number, bytes, md5, etag FROM part WHERE file_id = ?", (file_id,))
        return {row[0]: Part(*row) for row in rows}

    def begun(self, file_id: int, upload_id: str, part_bytes: int, checks: str) -> None:
        self._all(
            ("DELETE FROM part WHERE file_id = ?", (file_id,)),
            (
                "UPDATE file SET state = 'uploading', upload_id = ?, part_bytes = ?, checks = ? WHERE id = ?",
                (upload_id, part_bytes, checks, file_id),
            ),
        )

    def sent(self, file_id: int, part: Part) -> None:
        self._all(
            (
                "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)",
                (file_id, part.number, part.bytes, part.md5, part.etag),
            )
        )

    def read(self, file_id: int, sha256: str) -> None:
        self._all(("UPDATE file SET sha256 = ? WHERE id = ?", (sha256, file_id)))

    def stored(self, file_id: int, etag: str) -> None:
        self._all(("UPDATE file SET state = 'stored', upload_id = NULL, etag = ? WHERE id = ?", (etag, file_id)))

    def verified(self, file_id: int, how: Literal["etag", "reread"]) -> None:
        self._all(("UPDATE file SET state = 'verified', verified_by = ? WHERE id = ?", (how, file_id)))

    def restart(self, file_id: int) -> None:
        self._all(
            ("DELETE FROM part WHERE file_id = ?", (file_id,)),
            (
                "UPDATE file SET state = 'local', upload_id = NULL, part_bytes = NULL, checks = NULL, etag = NULL,"
                " restarts = restarts + 1 WHERE id = ?",
                (file_id,),
            ),
        )

    def _all(self, *steps: tuple[str, tuple[object, ...]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for sql, values in steps:
            self._db.execute(sql, values)
        self._db.execute("COMMIT")

    def _one(self, sql: str, file_id: int) -> str | None:
        row = self._db.execute(sql, (file_id,)).fetchone()
        return None if row is None or row[0] is None else str(row[0])
