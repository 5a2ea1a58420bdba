"""Is a backup whole, and does the origin come back from it?"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from hooks_app.backup import BackupError, in_use, listed, restore, sqlite_path, take, verify
from hooks_app.backup_command import app
from hooks_app.database import Database
from hooks_app.states import Trigger
from hooks_app.tables import TransitionRow
from tests.hooks_app.commands import invoke
from tests.hooks_app.conftest import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def engine() -> str:
    """A PostgreSQL server is backed up by its own means."""
    return "sqlite"


@pytest.fixture
def source(world: World) -> Path:
    path = sqlite_path(world.facts.database_url)
    assert path is not None
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder


def transitions(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM transition").fetchone()[0])


def test_a_backup_has_everything_that_was_committed_and_only_its_owner_reads_it(
    world: World, source: Path, folder: Path
) -> None:
    world.go_live()
    backup = take(source, folder, NOON)
    assert (backup.path.name, oct(backup.path.stat().st_mode & 0o777)) == ("state-20260301T120000Z.sqlite3", "0o600")
    assert transitions(backup.path) == transitions(source) > 0
    assert [path.name for path in folder.iterdir()] == [backup.path.name]


def test_the_newest_are_kept(source: Path, folder: Path) -> None:
    for minute in range(5):
        take(source, folder, NOON + timedelta(minutes=minute), keep=3)
    assert [one.path.name[16:21] for one in listed(folder)] == ["20400", "20300", "20200"]


def test_a_backup_is_taken_while_others_write_and_keeps_nobody_waiting(
    world: World, source: Path, folder: Path
) -> None:
    session, over, failed = world.ledger.begin("demo", 7), threading.Event(), []

    def write() -> None:
        database = Database(world.facts.database_url, busy_seconds=1)
        while not over.is_set():
            try:
                with database.write() as db:
                    db.add(row(session.id))
            except Exception as error:
                failed.append(error)
        database.close()

    def row(session_id: int) -> TransitionRow:
        return TransitionRow(
            at=NOON, slug="demo", subject="session", session_id=session_id, before="live", after="live",
            trigger=Trigger.PLAYABLE.value, host="origin-1",
        )  # fmt: skip

    with world.database.write() as db:
        db.add_all(row(session.id) for _ in range(20_000))
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for minute in range(3):
            verify(take(source, folder, NOON + timedelta(minutes=minute)).path)
    finally:
        over.set()
        writer.join()
    assert failed == []


def test_the_origin_comes_back_from_a_backup(world: World, source: Path, folder: Path) -> None:
    world.go_live()
    backup = take(source, folder, NOON)
    world.leave()
    world.database.close()
    aside = restore(backup.path, source, NOON)
    assert aside is not None
    assert transitions(aside) > transitions(source)
    world.start()
    assert world.state() == "live"
    # Nobody publishes any more: the reconcile loop sees it.
    world.rounds(4)
    assert world.state() == "ended"


def test_a_backup_of_an_earlier_release_is_brought_forward(world: World, source: Path, folder: Path) -> None:
    world.database.migrate("-1")
    backup = take(source, folder, NOON)
    world.database.close()
    restore(backup.path, source, NOON)
    world.start()
    assert world.publish() == 200


def test_nothing_is_restored_under_a_running_app(source: Path, folder: Path) -> None:
    backup = take(source, folder, NOON)
    with in_use(source), pytest.raises(BackupError, match="Stop what uses it first"):
        restore(backup.path, source, NOON)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "spoil", [damage, lambda path: path.write_bytes(b"not a database"), lambda path: path.write_bytes(b"")]
)
def test_what_is_damaged_is_not_restored(
    world: World, source: Path, folder: Path, spoil: Callable[[Path], object]
) -> None:
    backup = take(source, folder, NOON)
    spoil(backup.path)
    before = source.read_bytes()
    with pytest.raises(BackupError):
        restore(backup.path, source, NOON)
    assert source.read_bytes() == before


def test_a_folder_that_cannot_be_written_has_one_clear_line(source: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="Check the folder"):
        take(source, tmp_path / "nowhere", NOON)


def test_the_command_takes_lists_checks_and_restores(world: World, facts_file: Path, folder: Path) -> None:
    facts = world.facts.model_copy(update={"backup_dir": str(folder)})
    facts_file.write_text(facts.model_dump_json())
    made = json.loads(invoke(app, "run", "--json", facts=facts_file))
    assert json.loads(invoke(app, "list", "--json", facts=facts_file)) == [made]
    assert json.loads(invoke(app, "verify", made["file"], "--json", facts=facts_file))["ok"]
    world.database.close()
    assert json.loads(invoke(app, "restore", made["file"], "--json", facts=facts_file))["aside"] is not None


@pytest.mark.parametrize("verb", ["verify", "restore"])
def test_a_path_that_is_not_whole_is_one_clear_line(facts_file: Path, verb: str) -> None:
    done = CliRunner().invoke(app, [verb, "one.sqlite3", "--facts", str(facts_file)])
    line = "one.sqlite3: say the whole path, from / on: this command runs in another folder.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", line)


def test_a_large_database_is_back_in_time(world: World, source: Path, folder: Path) -> None:
    """A hundred thousand changes: years of an origin. What is promised is five minutes, for everything."""
    with world.database.write() as db:
        db.execute(
            text(
                "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000) "
                "INSERT INTO transition (at, slug, subject, before, after, trigger, reason, host) "
                "SELECT '2026-03-01 12:00:00.000000', 'demo', 'session', 'live', 'interrupted', 'stalled', "
                "'a media playlist stands still', 'origin-1' FROM number"
            )
        )
    backup = take(source, folder, NOON)
    world.database.close()
    began = time.monotonic()
    restore(backup.path, source, NOON)
    world.start()
    assert world.publish() == 200
    seconds = time.monotonic() - began
    print(f"restored {backup.size_bytes} bytes in {seconds:.1f} s")
    assert transitions(source) >= 100_000
    assert seconds < 300
