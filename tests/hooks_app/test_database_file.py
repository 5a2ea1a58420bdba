"""Two users on one SQLite database in WAL mode: real users, real processes, the modes that a deploy gives."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hooks_app import database_file
from hooks_app.backup import in_use, restore, take
from hooks_app.database import Database
from hooks_app.database_file import give_mode, mode_beside, share

HOOKS, ARCHIVE = 61_001, 61_002
"""Users that no machine has, each with a group of its number; the archiver's is in the hook app's group, too."""

# Another user may be let into no folder of the interpreter's: who has loaded everything becomes that user.
BECOME = """
import __future__, contextlib, os, pathlib, sqlite3, stat, sys
user, groups, code = int(sys.argv[2]), [int(group) for group in sys.argv[3].split(",")], sys.argv[4]
os.setgroups(groups)
os.setresgid(user, user, user)
os.setresuid(user, user, user)
os.umask(0o007)
exec(compile(code, "code", "exec", dont_inherit=True), {"__name__": "code"})
"""
SHARE = Path(database_file.__file__).read_text(encoding="utf-8") + "\nimport sys\nshare(Path(sys.argv[1]))\n"
WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)
for pragma in ("journal_mode=WAL", "synchronous=FULL"):
    connection.execute("PRAGMA " + pragma)
connection.execute("CREATE TABLE IF NOT EXISTS note (line TEXT)")
print("open", flush=True)
for line in sys.stdin:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO note VALUES (?)", (line,))
    connection.execute("COMMIT")
    print(*connection.execute("SELECT count(*) FROM note").fetchone(), flush=True)
connection.close()
"""


class Writer:
    """A process of one of the users that has the database open."""

    def __init__(self, user: int, path: Path) -> None:
        self.process = subprocess.Popen(
            argv(user, WRITE, path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = self._line()

    def write(self) -> int:
        """Write a row; returns how many there are."""
        assert self.process.stdin
        self.process.stdin.write("row\n")
        self.process.stdin.flush()
        return int(self._line())

    def close(self) -> int:
        """Close the database; returns the process's exit status."""
        self.process.communicate()
        return self.process.returncode

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def argv(user: int, code: str, path: Path) -> list[str]:
    groups = f"{ARCHIVE},{HOOKS}" if user == ARCHIVE else str(HOOKS)
    return [sys.executable, "-I", "-c", BECOME, str(path), str(user), groups, code]


def as_user(user: int, code: str, path: Path) -> None:
    subprocess.run(argv(user, code, path), check=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder of the hook app's state, as tmpfiles.d makes it where something is recorded."""
    top = Path(tempfile.mkdtemp(prefix="headend-shared-"))
    top.chmod(0o755)
    made = top / "hooks"
    made.mkdir()
    os.chown(made, HOOKS, HOOKS)
    made.chmod(0o2770)
    yield made
    shutil.rmtree(top)


@pytest.fixture
def path(folder: Path) -> Path:
    """A database that the hook app made."""
    found = folder / "state.sqlite3"
    as_user(HOOKS, SHARE, found)
    return found


def beside(path: Path) -> dict[str, tuple[str, int, int]]:
    """Mode, owner and group of the log and its index, where they are."""
    found = {suffix: Path(f"{path}{suffix}") for suffix in ("-wal", "-shm")}
    there = {suffix: file.stat() for suffix, file in found.items() if file.exists()}
    return {suffix: (oct(stat.S_IMODE(info.st_mode)), info.st_uid, info.st_gid) for suffix, info in there.items()}


@pytest.mark.parametrize("first, second", [(HOOKS, ARCHIVE), (ARCHIVE, HOOKS)], ids=["app first", "archiver first"])
def test_each_writes_while_the_other_has_it_open_and_again_after_both_were_away(
    first: int, second: int, path: Path
) -> None:
    one, other = Writer(first, path), Writer(second, path)
    assert [one.write(), other.write(), one.write(), other.write()] == [1, 2, 3, 4]
    assert beside(path) == {"-wal": ("0o660", first, HOOKS), "-shm": ("0o660", first, HOOKS)}
    assert (one.close(), other.write()) == (0, 5)
    assert other.close() == 0
    assert beside(path) == {}
    # Whoever comes back first makes them anew.
    other, one = Writer(second, path), Writer(first, path)
    assert [other.write(), one.write()] == [6, 7]
    assert beside(path) == {"-wal": ("0o660", second, HOOKS), "-shm": ("0o660", second, HOOKS)}
    assert (one.close(), other.close()) == (0, 0)


def test_a_killed_process_leaves_nothing_that_the_other_cannot_write(path: Path) -> None:
    killed = Writer(ARCHIVE, path)
    assert killed.write() == 1
    killed.process.kill()
    killed.close()
    assert set(beside(path)) == {"-wal", "-shm"}
    writer = Writer(HOOKS, path)
    assert writer.write() == 2
    assert writer.close() == 0


def test_a_database_of_an_earlier_release_is_opened_while_it_is_in_use(folder: Path) -> None:
    path = folder / "state.sqlite3"
    path.touch(0o600)
    os.chown(path, HOOKS, HOOKS)
    old = Writer(HOOKS, path)
    assert old.write() == 1
    assert {mode for mode, _, _ in beside(path).values()} == {"0o600"}
    refused = Writer(ARCHIVE, path)
    assert (refused.said, refused.close()) == ("", 1)
    as_user(HOOKS, SHARE, path)
    writer = Writer(ARCHIVE, path)
    assert [writer.write(), old.write()] == [2, 3]
    assert (writer.close(), old.close()) == (0, 0)


def test_a_database_in_a_folder_of_one_user_stays_as_it_is(folder: Path) -> None:
    folder.chmod(0o750)
    path = folder / "state.sqlite3"
    share(path)
    assert not path.exists()
    path.touch(0o600)
    share(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_somebody_else_and_what_a_link_names_stay_as_they_are(folder: Path) -> None:
    theirs, ours = folder / "theirs", folder / "ours"
    for file in (theirs, ours):
        file.touch(0o600)
    os.chown(theirs, ARCHIVE, ARCHIVE)
    (folder / "link").symlink_to(ours)
    give_mode(theirs, 0o660)
    # O_PATH with O_NOFOLLOW opens the link itself, which is no regular file.
    give_mode(folder / "link", 0o660)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (theirs, ours)} == {0o600}


def test_migrations_lock_and_restore_keep_the_database_open_to_the_group(folder: Path, tmp_path: Path) -> None:
    """As root, who here stands for the hook app's user: it owns what it makes."""
    path = folder / "state.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    assert mode_beside(path) == stat.S_IMODE(path.stat().st_mode) == 0o660
    with in_use(path):
        assert stat.S_IMODE((folder / "state.lock").stat().st_mode) == 0o660
    backup = take(path, tmp_path, datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    restore(backup.path, path, datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    folder.chmod(0o700)
    restore(backup.path, path, datetime(2026, 3, 1, 13, tzinfo=UTC))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
