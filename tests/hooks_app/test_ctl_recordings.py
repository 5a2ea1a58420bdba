"""`headend-ctl recordings` against a real server, and a real download out of a server in the store's place."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import Result
from typer.testing import CliRunner

from hooks_app.ctl import recordings
from hooks_app.ctl.app import app
from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.recordings_shelf import NAMES, Shelf
from tests.hooks_app.test_api_access import token
from tests.support.object_server import QUERY, Store

Ctl = Callable[..., Result]
FILM = os.urandom(3_000_000)
TRUE = hashlib.sha256(FILM).hexdigest()

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def shelf(world: World) -> Shelf:
    shelf = Shelf(world)
    shelf.settings()
    return shelf


@pytest.fixture
def ctl(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ctl]:
    """Runs the command as an admin, in an empty folder."""
    (tmp_path / "token").write_text(token(shelf.world, Role.ADMIN) + "\n")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HEADEND_TOKEN_FILE", str(tmp_path / "token"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(shelf.world.app, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        facts = tmp_path / "ctl.json"
        port = listener.getsockname()[1]
        facts.write_text(shelf.world.facts.model_copy(update={"listen_port": port}).model_dump_json())

        def run(*words: str, typed: str | None = None) -> Result:
            return CliRunner().invoke(app, ["recordings", *words, "--facts", str(facts)], input=typed)

        yield run
        server.should_exit = True
        thread.join()


@pytest.fixture
def store() -> Iterator[Store]:
    with Store().serving() as store:
        yield store


def film(shelf: Shelf, store: Store) -> str:
    """An archived recording whose film is in that store; its number."""
    number = shelf.put()
    path = f"/live-recordings/{shelf.row(number).object_prefix}/{NAMES['video']}"
    store.objects[path] = FILM
    url = f"http://127.0.0.1:{store.port}{path}?{QUERY}"
    shelf.change_file(number, "video", bytes=len(FILM), sha256=TRUE, replay_url=url)
    return str(number)


def document(result: Result) -> Any:
    """What a command with --json printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_recordings_are_listed_and_shown(ctl: Ctl, shelf: Shelf) -> None:
    number = str(shelf.put())
    shelf.put(state="finished")
    assert [one["id"] for one in document(ctl("list", "--state", "archived", "--json"))] == [int(number)]
    assert ctl("list", "--stream", "demo").stdout.splitlines()[0].split()[:3] == ["ID", "SLUG", "STATE"]
    shown = ctl("show", number).stdout
    assert NAMES["video"] in shown
    assert "X-Amz-Signature" not in shown
    assert len(document(ctl("show", number, "--json"))["files"]) == 4


def test_a_hold_and_what_it_forbids(ctl: Ctl, shelf: Shelf) -> None:
    number = str(shelf.put())
    assert document(ctl("hold", number, "--reason", "a complaint", "--json"))["hold_reason"] == "a complaint"
    refused = ctl("delete", number, "--yes")
    assert (refused.exit_code, refused.stderr) == (1, "The recording is held (a complaint): release it first.\n")
    assert document(ctl("release", number, "--json"))["held_at"] is None
    assert ctl("delete", number, typed="n\n").exit_code == 1
    assert shelf.row(int(number)).removal_asked_at is None
    assert document(ctl("delete", number, "--yes", "--json"))["removal_asked_at"] is not None


def test_nobody_who_could_answer_removes_nothing(ctl: Ctl, shelf: Shelf) -> None:
    number = shelf.put()
    assert ctl("delete", str(number), typed="").exit_code == 1
    assert shelf.row(number).removal_asked_at is None


def test_files_are_wanted_back(ctl: Ctl, shelf: Shelf) -> None:
    number = shelf.put()
    refused = ctl("restore", str(number))
    assert (refused.exit_code, "nothing to restore" in refused.stderr) == (1, True)
    shelf.change_file(number, "video", local_removed_at=shelf.world.clock.now())
    assert document(ctl("restore", str(number), "--json"))["restore_asked_at"] is not None


def test_status_says_what_is_wrong(ctl: Ctl, shelf: Shelf) -> None:
    shelf.put()
    shelf.archiver(store_fault="The bucket is not there.")
    lines = ctl("status").stdout.splitlines()
    assert lines[0] == "1 archived; mode archive, replay presigned"
    assert "The bucket is not there." in lines[-1]
    assert document(ctl("status", "--json"))["archivers"][0]["host"] == "origin-1"


def test_the_archive_s_progress_is_watched_until_nothing_waits(
    ctl: Ctl, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "WATCH_SECONDS", 0.05)
    number = shelf.put(state="finished")

    def archive() -> None:
        time.sleep(0.3)
        for kind in ("video", "strip", "index"):
            shelf.change_file(number, kind, state="verified")
        shelf.change(number, state="archived")

    thread = threading.Thread(target=archive)
    thread.start()
    done = ctl("status", "--watch")
    thread.join()
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "1 archived; mode archive, replay presigned")


def test_a_film_is_fetched_whole_and_nothing_is_overwritten(ctl: Ctl, shelf: Shelf, store: Store) -> None:
    number = film(shelf, store)
    done = ctl("fetch", number)
    assert done.exit_code == 0, done.output
    target = Path(NAMES["video"])
    assert target.read_bytes() == FILM
    assert [path.name for path in Path().iterdir()] == [target.name]
    again = ctl("fetch", number)
    assert (again.exit_code, again.stderr) == (1, f"{target}: is there already. Name another file, or say --force.\n")
    target.write_text("mine")
    assert ctl("fetch", number, "--force").exit_code == 0
    assert target.read_bytes() == FILM
    assert document(ctl("fetch", number, "other.mp4", "--json"))["sha256"] == TRUE


@pytest.mark.parametrize("gives_parts", [True, False])
def test_an_interrupted_download_goes_on(ctl: Ctl, shelf: Shelf, store: Store, gives_parts: bool) -> None:
    number = film(shelf, store)
    store.breaks_after = 1_500_000
    broken = ctl("fetch", number)
    assert broken.exit_code == 1
    assert broken.stderr.splitlines()[-1].startswith("127.0.0.1: ")
    assert "X-Amz" not in broken.output
    got = Path(f"{NAMES['video']}.part").stat().st_size
    assert 0 < got <= 1_500_000
    store.breaks_after, store.gives_parts = None, gives_parts
    assert ctl("fetch", number).exit_code == 0
    assert Path(NAMES["video"]).read_bytes() == FILM
    assert store.requests[-1][1]["range"] == f"bytes={got}-"


def test_what_is_not_what_was_recorded_is_thrown_away(ctl: Ctl, shelf: Shelf, store: Store) -> None:
    number = film(shelf, store)
    shelf.change_file(int(number), "video", sha256="00" * 32)
    done = ctl("fetch", number)
    assert (done.exit_code, "is not what was recorded" in done.stderr) == (1, True)
    assert list(Path().iterdir()) == []


def test_more_than_was_recorded_is_not_written(ctl: Ctl, shelf: Shelf, store: Store) -> None:
    number = film(shelf, store)
    shelf.change_file(int(number), "video", bytes=1000)
    assert ctl("fetch", number).exit_code == 1
    assert not Path(NAMES["video"]).exists()
    assert Path(f"{NAMES['video']}.part").stat().st_size <= 1000


def test_a_store_that_refuses_is_one_line_without_the_signature(ctl: Ctl, shelf: Shelf, store: Store) -> None:
    number = film(shelf, store)
    store.refuses = True
    done = ctl("fetch", number)
    line = "127.0.0.1: HTTP 403. The URL may be over: the same command asks for a new one.\n"
    assert (done.exit_code, done.stderr.endswith(line)) == (1, True)
    store.stop()
    assert "5ca1ab1e" not in done.output + ctl("fetch", number).output


def test_no_link_is_followed_by_what_is_fetched(ctl: Ctl, shelf: Shelf, store: Store, tmp_path: Path) -> None:
    number = film(shelf, store)
    (tmp_path / "precious").write_text("precious")
    Path(f"{NAMES['video']}.part").symlink_to(tmp_path / "precious")
    assert ctl("fetch", number).exit_code == 1
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_has_no_url_is_told_how_to_come_back(ctl: Ctl, shelf: Shelf) -> None:
    number = str(shelf.put(state="finished"))
    done = ctl("fetch", number)
    assert done.exit_code == 1
    assert f"headend-ctl recordings restore {number}" in done.stderr
