"""`headend-ctl` against a real server on a real port: what it prints, what it refuses, and what it never shows."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import Result
from typer.testing import CliRunner

from hooks_app.ctl.app import app
from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.test_api_access import token

Ctl = Callable[..., Result]

# One engine: what is asked here is the command, not the database behind the API.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def port(world: World) -> Iterator[int]:
    """The API on loopback, without the app's loops."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(world.app, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def token_path(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands find an operator's token."""
    path = tmp_path / "config" / "token"
    path.parent.mkdir()
    path.write_text(token(world, Role.OPERATOR) + "\n")
    monkeypatch.setenv("HEADEND_TOKEN_FILE", str(path))
    return path


@pytest.fixture
def ctl(world: World, port: int, token_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """Runs the command."""
    facts = tmp_path / "facts.json"
    facts.write_text(world.facts.model_copy(update={"listen_port": port}).model_dump_json())
    monkeypatch.setenv("HEADEND_FACTS", str(facts))

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=typed)

    return run


def document(result: Result) -> Any:
    """What a command with --json printed."""
    assert result.exit_code == 0, result.output
    # The server is in this process: its log lines are caught as well.
    return json.loads(result.stdout.splitlines()[-1])


def window(world: World, hours: int) -> tuple[str, str]:
    """Start and end of a window of one hour, so many hours ahead."""
    start = world.clock.now() + timedelta(hours=hours)
    return start.isoformat(), (start + timedelta(hours=1)).isoformat()


def plan(ctl: Ctl, world: World, hours: int = 1) -> Any:
    """A planned event."""
    start, end = window(world, hours)
    return document(ctl("event", "add", "demo", "--title", "Open", "--start", start, "--end", end, "--json"))


def test_status_is_a_table_of_every_stream(ctl: Ctl, world: World) -> None:
    world.go_live()
    lines = ctl("status").stdout.splitlines()
    assert lines[0].split()[:3] == ["SLUG", "STATE", "SINCE"]
    assert sorted(line.split()[:2] for line in lines[1:]) == [["coffee-and-stocks", "offline"], ["demo", "live"]]


def test_what_is_on_air_and_who_was(ctl: Ctl, world: World) -> None:
    assert document(ctl("live", "--json")) == []
    world.go_live()
    assert [one["slug"] for one in document(ctl("live", "--json"))] == ["demo"]
    [session] = document(ctl("sessions", "--stream", "demo", "--json"))
    assert (session["state"], session["key_id"]) == ("live", world.key_id)


def test_an_event_is_added_changed_listed_and_cancelled(ctl: Ctl, world: World) -> None:
    event = str(plan(ctl, world)["id"])
    changed = document(ctl("event", "change", event, "--title", "Late", "--json"))
    assert (changed["title"], changed["state"]) == ("Late", "scheduled")
    assert "Late" in ctl("event", "list", "--state", "scheduled").stdout
    assert document(ctl("event", "cancel", event, "--json"))["state"] == "ended"
    assert document(ctl("event", "list", "--state", "scheduled", "--json")) == []


def test_a_list_is_read_page_by_page(ctl: Ctl, world: World) -> None:
    for hours in range(1, 12, 2):
        plan(ctl, world, hours)
    assert len(document(ctl("event", "list", "--limit", "4", "--json"))) == 4
    assert len(document(ctl("event", "list", "--limit", "500", "--json"))) == 6
    for _ in range(60):
        world.add_key("demo", replace=True)
    assert len(document(ctl("key", "list", "--json"))) == 61
    assert len(document(ctl("key", "list", "--limit", "3", "--json"))) == 3


def test_a_schedule_skips_a_start_and_ends(ctl: Ctl, world: World) -> None:
    first, second = f"{world.clock.now():%Y}-12-01T20:00:00", f"{world.clock.now():%Y}-12-08T20:00:00"
    options = ("--start", first, "--zone", "Europe/Berlin", "--minutes", "60", "--rule", "FREQ=WEEKLY")
    made = document(ctl("schedule", "add", "demo", "--title", "Weekly", *options, "--json"))
    assert second in document(ctl("schedule", "skip", str(made["id"]), second, "--json"))["exceptions"]
    assert document(ctl("schedule", "cancel", str(made["id"]), "--json"))["cancelled_at"] is not None
    assert [one["id"] for one in document(ctl("schedule", "list", "--json"))] == [made["id"]]


def test_a_key_is_shown_once_rotated_and_revoked(ctl: Ctl, world: World) -> None:
    made = document(ctl("key", "add", "coffee-and-stocks", "--label", "van", "--json"))
    secret = made["stream_key"].rpartition("key=")[2]
    assert world.publish(name="coffee-and-stocks", key=secret) == 200
    rotated = document(ctl("key", "rotate", made["key_id"], "--json"))
    assert rotated["key_id"] != made["key_id"]
    listed = ctl("key", "list", "--stream", "coffee-and-stocks")
    assert made["key_id"] in listed.stdout
    assert secret not in listed.output
    assert document(ctl("key", "revoke", made["key_id"], "--json"))["state"] == "revoked"
    assert world.publish(client=9, name="coffee-and-stocks", key=secret) == 403


def test_kick_ends_what_is_on_air(ctl: Ctl, world: World) -> None:
    world.go_live()
    assert document(ctl("kick", "demo", "--reason", "wrong film", "--json"))["kicked"] is True
    assert document(ctl("kick", "coffee-and-stocks", "--json"))["kicked"] is False


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("event", "cancel", "99"), "There is no such event."),
        (("key", "revoke", "nobody"), "There is no such key."),
        (("kick", "nothing"), "There is no such stream."),
    ],
)
def test_a_no_is_the_api_s_own_sentence(ctl: Ctl, arguments: tuple[str, ...], said: str) -> None:
    done = ctl(*arguments)
    assert (done.exit_code, done.stderr.strip()) == (1, said)


def test_a_plan_that_cannot_be_says_why(ctl: Ctl, world: World) -> None:
    plan(ctl, world)
    start, end = window(world, 1)
    done = ctl("event", "add", "demo", "--title", "Twice", "--start", start, "--end", end)
    assert done.exit_code == 1
    assert "at that time" in done.stderr


def test_without_a_token_it_says_how_to_get_one(ctl: Ctl, token_path: Path) -> None:
    token_path.unlink()
    done = ctl("sessions")
    assert done.exit_code == 1
    assert "headend token add" in done.stderr
    assert "headend-ctl login" in done.stderr


def test_a_token_file_that_is_none_is_one_line(ctl: Ctl, token_path: Path) -> None:
    token_path.write_bytes(b"\xff\xfe")
    done = ctl("status")
    assert done.exit_code == 1
    assert done.stderr == f"{token_path}: is no text. Write it again: headend-ctl login\n"


def test_login_keeps_the_token_for_this_user_alone(ctl: Ctl, world: World, token_path: Path) -> None:
    token_path.unlink()
    secret = token(world, Role.VIEWER)
    done = ctl("login", typed=f"{secret}\n")
    assert done.exit_code == 0
    assert secret not in done.output
    assert token_path.stat().st_mode & 0o777 == 0o600
    assert ctl("sessions").exit_code == 0
    # What was there and could be read by others is closed.
    token_path.chmod(0o644)
    assert ctl("login", typed=f"{secret}\n").exit_code == 0
    assert token_path.stat().st_mode & 0o777 == 0o600


def test_an_app_that_does_not_run_is_one_line(ctl: Ctl, world: World, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    (tmp_path / "facts.json").write_text(world.facts.model_copy(update={"listen_port": free}).model_dump_json())
    done = ctl("status")
    assert done.exit_code == 1
    assert done.stderr.endswith("ConnectionError. Is headend-hooks.service running on this host?\n")


def test_doctor_names_what_does_not_work(ctl: Ctl) -> None:
    """The loops do not run here, so no reconcile round ever went well."""
    done = ctl("doctor")
    assert done.exit_code == 1
    assert "reconcile" in done.output


def test_backup_without_its_command_is_one_line(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    for arguments in (("backup",), ("restore", "some.sqlite3")):
        done = ctl(*arguments)
        assert (done.exit_code, done.stderr) == (
            1,
            "headend-backup: not on this host. A deploy of the control role places it.\n",
        )


@pytest.mark.parametrize(
    "arguments, passed",
    [
        (("backup",), ["run"]),
        (("backup", "--json"), ["run", "--json"]),
        (("backup", "list", "--json"), ["list", "--json"]),
        (("backup", "verify", "one.sqlite3"), ["verify", "{here}/one.sqlite3"]),
        (("restore", "one.sqlite3"), ["restore", "{here}/one.sqlite3"]),
        (("restore", "/a/one.sqlite3", "--json"), ["restore", "/a/one.sqlite3", "--json"]),
    ],
)
def test_backup_s_command_is_given_a_verb_and_whole_paths(
    ctl: Ctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], passed: list[str]
) -> None:
    command = tmp_path / "bin" / "headend-backup"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/passed\nexit 3\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    assert ctl(*arguments).exit_code == 3
    assert (tmp_path / "passed").read_text().splitlines() == [one.format(here=tmp_path) for one in passed]


def test_an_event_is_shown_with_where_it_goes(ctl: Ctl, world: World) -> None:
    number = str(plan(ctl, world)["id"])
    assert document(ctl("event", "show", number, "--json"))["plan"]["destinations"] == {}
    assert "DESTINATIONS" in ctl("event", "show", number).stdout
    assert ctl("event", "show", "99").exit_code == 1


def test_a_title_moves_no_cursor(ctl: Ctl, world: World) -> None:
    start, end = window(world, 1)
    document(ctl("event", "add", "demo", "--title", "a\u202eb", "--start", start, "--end", end, "--json"))
    assert "\u202e" not in ctl("event", "list").stdout
