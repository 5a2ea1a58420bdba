"""Does the real process start, tell systemd, answer and stop?"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from headend.model.facts import HookFacts
from hooks_app.__main__ import main
from hooks_app.database import Database
from hooks_app.notify import notify
from tests.hooks_app.test_units import systemctl  # noqa: F401

SERVE = [sys.executable, "-m", "hooks_app", "--facts"]


@pytest.fixture
def facts_file(tmp_path: Path, facts: HookFacts) -> Path:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    changed = facts.model_copy(
        update={
            "listen_port": port,
            "stat_url": "http://127.0.0.1:9/stat",
            "reconcile_seconds": 0.1,
        }
    )
    (tmp_path / "hooks_app.json").write_text(changed.model_dump_json())
    return tmp_path / "hooks_app.json"


@contextmanager
def serving(facts_file: Path, address: str) -> Iterator[tuple[subprocess.Popen[str], socket.socket, str]]:
    """The process, the socket that systemd would listen on, and the process's URL; READY=1 has been received."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(address)
    channel.settimeout(60)
    environment = {**os.environ, "NOTIFY_SOCKET": address}
    process = subprocess.Popen([*SERVE, str(facts_file)], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        while channel.recv(100) != b"READY=1":
            pass
        yield process, channel, f"http://127.0.0.1:{json.loads(facts_file.read_text())['listen_port']}"
    finally:
        process.kill()
        process.communicate()
        channel.close()


@pytest.mark.usefixtures("systemctl")
def test_it_is_ready_when_it_answers_and_alive_while_its_loop_turns(facts_file: Path, tmp_path: Path) -> None:
    with serving(facts_file, str(tmp_path / "notify")) as (process, channel, url):
        assert requests.get(f"{url}/api/v1/streams/demo", timeout=5).json()["state"] == "offline"
        assert channel.recv(100) == b"WATCHDOG=1"
        answer = requests.get(f"{url}/healthz", timeout=5)
        assert (answer.status_code, "server" in answer.headers) == (200, False)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    assert all(json.loads(line) for line in output.splitlines())
    assert "/healthz" not in output


@pytest.mark.usefixtures("systemctl")
def test_whoever_listens_to_the_feed_does_not_hold_up_a_restart(facts_file: Path, tmp_path: Path) -> None:
    with serving(facts_file, str(tmp_path / "notify")) as (process, _channel, url):
        with requests.get(f"{url}/api/v1/feed", stream=True, timeout=30) as answer:
            lines = answer.iter_lines()
            assert next(lines) == b"retry: 2000"
            asked = time.monotonic()
            process.send_signal(signal.SIGTERM)
            # It is told that nothing more comes, and the app is gone before the three seconds that others are given.
            assert [line for line in lines if line] == []
            process.wait(10)
        assert time.monotonic() - asked < 2.5


def test_an_abstract_notify_socket_is_heard_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0headend-test-{os.getpid()}")
        assert notify("READY=1", {"NOTIFY_SOCKET": f"@headend-test-{os.getpid()}"})
        assert channel.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "/nowhere"])
def test_without_a_service_manager_nothing_is_told(address: str | None) -> None:
    assert notify("READY=1", {} if address is None else {"NOTIFY_SOCKET": address}) is False


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the command in this process; returns what it said on leaving."""
    monkeypatch.setattr(sys, "argv", ["headend-hooks", *arguments])
    # Leave this process's logging alone.
    monkeypatch.setattr("hooks_app.__main__.configure", lambda: None)
    try:
        main()
    except SystemExit as leaving:
        return str(leaving.code)
    return ""


def test_migrate_makes_the_database_and_leaves(
    facts: HookFacts, facts_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = facts.model_copy(update={"database_url": f"sqlite:///{tmp_path}/new.sqlite3"})
    facts_file.write_text(made.model_dump_json())
    assert run(monkeypatch, "--facts", str(facts_file), "migrate") == ""
    assert (tmp_path / "new.sqlite3").exists()


def test_a_database_of_a_newer_release_is_one_clear_line(
    facts_file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    line = run(monkeypatch, "--facts", str(facts_file))
    assert "go back to that release" in line
    assert "\n" not in line


def test_missing_facts_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = run(monkeypatch, "--facts", str(tmp_path / "none.json"))
    assert line.startswith(f"{tmp_path}/none.json: No such file")
    assert "\n" not in line


def test_a_folder_that_is_not_there_is_one_clear_line(
    facts_file: Path, tmp_path: Path, facts: HookFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts_file.write_text(facts.model_copy(update={"database_url": "sqlite:////nowhere/x"}).model_dump_json())
    line = run(monkeypatch, "--facts", str(facts_file), "migrate")
    assert line.startswith("sqlite:////nowhere/x: unable to open")
    assert "\n" not in line
