"""Can anything in the buffer lead out of it?"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hooks_app.archive import folders
from hooks_app.archive.folders import Folder, NotOursError

NAME = "demo-1764316800-7-1.flv"
SECRET = "what is outside"


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file outside; whatever a test does, it stays as it is."""
    path = tmp_path / "outside" / "canary"
    path.parent.mkdir()
    path.write_text(SECRET)
    before = path.stat()
    yield path
    after = path.stat()
    assert (path.read_text(), after.st_ino, after.st_mode) == (SECRET, before.st_ino, before.st_mode)


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[Path]:
    for name in ("buffer", "kept"):
        (tmp_path / name).mkdir()
    yield tmp_path / "buffer"
    assert list((tmp_path / "kept").iterdir()) == []


def link(path: Path, canary: Path) -> None:
    path.symlink_to(canary)


def relative_link(path: Path, canary: Path) -> None:
    path.symlink_to(f"../outside/{canary.name}")


def link_to_its_folder(path: Path, canary: Path) -> None:
    path.symlink_to(canary.parent)


def dangling_link(path: Path, canary: Path) -> None:
    path.symlink_to(canary.parent / "nothing")


def hard_link(path: Path, canary: Path) -> None:
    path.hardlink_to(canary)


def fifo(path: Path, canary: Path) -> None:
    os.mkfifo(path)


def device(path: Path, canary: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


def unix_socket(path: Path, canary: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def folder_with_a_link(path: Path, canary: Path) -> None:
    path.mkdir()
    (path / "inner").symlink_to(canary)


GAMES = [
    link,
    relative_link,
    link_to_its_folder,
    dangling_link,
    hard_link,
    fifo,
    device,
    unix_socket,
    folder_with_a_link,
]


@contextmanager
def opened(buffer: Path) -> Iterator[tuple[Folder, Folder]]:
    """The buffer, and where things are kept."""
    with Folder.at(str(buffer)) as here, Folder.at(str(buffer.parent / "kept")) as kept:
        yield here, kept


@pytest.mark.parametrize("game", GAMES)
def test_what_is_no_lone_file_is_neither_read_nor_moved_nor_removed(
    game: Callable[[Path, Path], None], buffer: Path, canary: Path
) -> None:
    game(buffer / NAME, canary)
    with opened(buffer) as (here, kept):
        doings: list[Callable[[], object]] = [
            lambda: here.info(NAME),
            lambda: here.open(NAME),
            lambda: here.being_written(NAME),
            lambda: here.move(NAME, kept),
            lambda: here.remove(NAME),
            lambda: here.write(NAME, "mine"),
        ]
        for doing in doings:
            with pytest.raises(NotOursError, match=NAME):
                doing()
        assert here.names() == [NAME]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../outside/canary",
        "/etc/passwd",
        "a/b",
        ".hidden",
        "-rf",
        "a\x00b",
        "a\nb",
        "a.flv\n",
        "ä.flv",
        "a b",
        "a" * 121,
    ],
)
def test_a_strange_name_is_refused_before_the_disk_is_asked(name: str, buffer: Path, canary: Path) -> None:
    with opened(buffer) as (here, kept):
        doings: list[Callable[[], object]] = [
            lambda: here.info(name),
            lambda: here.open(name),
            lambda: here.being_written(name),
            lambda: here.move(name, kept),
            lambda: here.remove(name),
            lambda: here.write(name, "mine"),
            lambda: here.inner(name, make=True),
            lambda: here.remove_folder(name),
        ]
        for doing in doings:
            with pytest.raises(NotOursError, match="strange name"):
                doing()


@pytest.mark.parametrize("game", [link, hard_link, fifo, link_to_its_folder])
def test_a_file_that_is_exchanged_after_it_was_looked_at_leads_nowhere(
    game: Callable[[Path, Path], None], buffer: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Folder._check_file

    def exchange(self: Folder, name: str, found: os.stat_result) -> None:
        """Whoever writes there is as quick as can be: right after the look."""
        check(self, name, found)
        monkeypatch.setattr(Folder, "_check_file", check)
        (buffer / NAME).unlink()
        game(buffer / NAME, canary)

    with opened(buffer) as (here, kept):
        (buffer / NAME).write_text("mine")
        monkeypatch.setattr(Folder, "_check_file", exchange)
        with pytest.raises(NotOursError):
            here.move(NAME, kept)
        assert (here.names(), kept.names()) == ([NAME], [])
        (buffer / NAME).unlink()
        (buffer / NAME).write_text("mine")
        monkeypatch.setattr(Folder, "_check_file", exchange)
        # A name that leads elsewhere is all that goes.
        here.remove(NAME)
        (buffer / NAME).write_text("mine")
        monkeypatch.setattr(Folder, "_check_file", exchange)
        with os.fdopen(here.open(NAME)) as file:
            assert file.read() == "mine"


def test_a_folder_that_is_a_link_is_none(buffer: Path, canary: Path) -> None:
    (buffer / "12").symlink_to(canary.parent)
    (buffer / "13").write_text("a file")
    with opened(buffer) as (here, _):
        for name in ("12", "13"):
            with pytest.raises(NotOursError, match="no folder"):
                here.inner(name)
            with pytest.raises(NotOursError, match="no folder"):
                here.inner(name, make=True)
            assert here.remove_folder(name) is False
    with pytest.raises(NotOursError, match="no folder"):
        Folder.at(str(buffer / "12"))


def test_a_folder_that_is_moved_away_while_it_is_open_is_still_the_one_that_was_opened(
    buffer: Path, canary: Path
) -> None:
    with opened(buffer) as (here, _):
        inner = here.inner("12", make=True)
        with inner:
            (buffer / "12").rename(buffer / "elsewhere")
            (buffer / "12").symlink_to(canary.parent)
            inner.write("job.json", "{}")
            inner.remove("canary")
        assert (buffer / "elsewhere" / "job.json").read_text() == "{}"


def test_files_are_moved_written_and_removed(tmp_path: Path) -> None:
    for name in ("buffer", "kept"):
        (tmp_path / name).mkdir()
    (tmp_path / "kept").chmod(0o2770)
    (tmp_path / "buffer" / NAME).write_text("frames")
    with opened(tmp_path / "buffer") as (here, kept), kept.inner("12", make=True) as inner:
        here.move(NAME, inner)
        assert (here.names(), inner.names()) == ([], [NAME])
        assert here.info(NAME) is None
        with pytest.raises(FileNotFoundError):
            here.move(NAME, inner)
        (tmp_path / "buffer" / NAME).write_text("others")
        with pytest.raises(FileExistsError):
            here.move(NAME, inner)
        assert (tmp_path / "kept/12" / NAME).read_text() == "frames"
        inner.write("job.json", "one")
        inner.write("job.json", "two")
        assert (tmp_path / "kept/12/job.json").read_text() == "two"
        assert kept.remove_folder("12") is False
        inner.remove("job.json")
        inner.remove("job.json")
        inner.remove(NAME)
        assert kept.remove_folder("12") is True
        assert kept.remove_folder("12") is False


def test_a_folder_takes_group_and_set_group_id_from_the_one_that_it_is_in(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    os.chown(tmp_path / "kept", -1, 4711)
    (tmp_path / "kept").chmod(0o2770)
    before = os.umask(0o027)
    try:
        with Folder.at(str(tmp_path / "kept")) as kept, kept.inner("12", make=True):
            pass
    finally:
        os.umask(before)
    found = (tmp_path / "kept/12").stat()
    assert (found.st_gid, found.st_mode & 0o7777) == (4711, 0o2770)


@pytest.mark.parametrize("number", ["EINVAL", "ENOSYS"])
def test_where_the_file_system_cannot_promise_it_nothing_is_replaced_either(
    number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(getattr(errno, number))
            return -1

    monkeypatch.setattr(folders, "_libc", Library())
    for name in ("buffer", "kept"):
        (tmp_path / name).mkdir()
    (tmp_path / "buffer" / NAME).write_text("frames")
    with opened(tmp_path / "buffer") as (here, kept):
        here.move(NAME, kept)
        (tmp_path / "buffer" / NAME).write_text("others")
        with pytest.raises(FileExistsError):
            here.move(NAME, kept)
    assert (tmp_path / "kept" / NAME).read_text() == "frames"


@contextmanager
def locked(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes a file, as nginx does with record_lock."""
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_file_is_being_written_while_another_process_has_it_locked_and_not_after_its_death(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("frames")
    with Folder.at(str(tmp_path)) as folder:
        with locked(tmp_path / NAME):
            assert folder.being_written(NAME)
            # Asking must not take the lock away.
            assert folder.being_written(NAME)
        assert not folder.being_written(NAME)
        assert not folder.being_written("absent.flv")
