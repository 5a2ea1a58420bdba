"""A stream that was made at run time: which script encodes it, in which folder, and who is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from headend.layout import Layout
from headend.model.ladder import Ladder, Rendition, SourceRendition
from headend.model.spec import Site, Spec, Stream
from headend.render import render_role
from tests.headend.house import LAYOUT

SD = Rendition(name="480p", height=480, video_kbps=1000, audio_kbps=96)
LD = Rendition(name="240p", height=240, video_kbps=300, audio_kbps=64)
SPEC = Spec(
    site=Site(public_url="https://live.example.org"),
    ladders={
        "default": Ladder(renditions=(SD,)),
        "small": Ladder(renditions=(SD, LD)),
        "copied": Ladder(source=SourceRendition(height=1080, video_kbps=6000), renditions=(LD,)),
    },
    streams=(Stream(slug="declared", title="Declared"),),
)
SHOW_ARGV = '#!/bin/sh\nprintf \'%s\\0\' "$(basename "$0")" "$@"\n'


@pytest.fixture
def here(tmp_path: Path) -> Layout:
    """An ingest host in a folder; what FFmpeg and ffprobe would be called with is printed."""
    layout = Layout.from_data(
        {
            **LAYOUT.model_dump(),
            "config_dir": f"{tmp_path}/etc",
            "media_root": f"{tmp_path}/media",
            "run_dir": f"{tmp_path}/run",
        }
    )
    for artifact in render_role(SPEC, layout, "ingest"):
        if artifact.path.startswith(layout.config_dir):
            write(Path(artifact.path), artifact.text, int(artifact.mode, 8))
    for program in ("ffmpeg", "ffprobe"):
        write(tmp_path / "bin" / program, SHOW_ARGV, 0o755)
    for folder in (f"{layout.run_dir}/streams", f"{layout.media_root}/hls/declared/480p"):
        Path(folder).mkdir(parents=True)
    return layout


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def run(here: Layout, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the host."""
    env = {"PATH": f"{Path(here.config_dir).parent}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    argv = [f"{here.config_dir}/{script}", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)


def make(here: Layout, slug: str, ladder: str = "small") -> Path:
    """What the hook app does when a stream is made."""
    path = Path(here.run_dir, "streams", slug)
    path.write_text(f"{ladder}\n")
    return path


def media(here: Layout, slug: str) -> Path:
    return Path(here.media_root, "hls", slug)


def start(here: Layout, slug: str) -> subprocess.CompletedProcess[str]:
    """What ffmpeg@.service does, in its order."""
    done = run(here, "encode", "--folder", slug)
    # A first step that failed would be tried again for ever.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return run(here, "encode", slug)


def test_a_stream_is_encoded_by_the_ladder_that_it_was_made_on(here: Layout) -> None:
    make(here, "guest")
    done = start(here, "guest")
    argv = done.stdout.rstrip("\0").split("\0")
    assert (done.returncode, done.stderr, argv[0]) == (0, "", "ffmpeg")
    assert "rtmp://127.0.0.1:1935/live/guest" in argv
    assert [name for name in argv if name.endswith("/index.m3u8")] == [
        f"{media(here, 'guest')}/480p/index.m3u8",
        f"{media(here, 'guest')}/240p/index.m3u8",
    ]
    assert "STREAM_SLUG" not in done.stdout


def test_its_folders_and_its_master_playlist_are_made(here: Layout) -> None:
    make(here, "guest")
    start(here, "guest")
    assert sorted(path.name for path in media(here, "guest").iterdir()) == ["240p", "480p", "master.m3u8"]
    ladder = Path(here.config_dir, "ladders", "small", "master.m3u8").read_text()
    assert (media(here, "guest") / "master.m3u8").read_text() == ladder


def test_a_second_start_changes_nothing_and_takes_over_a_new_ladder(here: Layout) -> None:
    make(here, "guest")
    assert start(here, "guest").returncode == 0
    make(here, "guest", "default")
    assert start(here, "guest").returncode == 0
    ladder = Path(here.config_dir, "ladders", "default", "master.m3u8").read_text()
    assert (media(here, "guest") / "master.m3u8").read_text() == ladder


def test_a_source_rendition_is_asked_for_on_the_streams_own_address(here: Layout) -> None:
    make(here, "guest", "copied")
    script = Path(here.config_dir, "ladders", "copied", "encode")
    assert 'rtmp://127.0.0.1:1935/live/"$slug"' in script.read_text()
    assert start(here, "guest").returncode == 0


def test_a_declared_stream_has_its_own_script_whatever_the_hook_app_says(here: Layout) -> None:
    make(here, "declared")
    done = start(here, "declared")
    assert done.returncode == 0
    assert f"{media(here, 'declared')}/480p/index.m3u8" in done.stdout
    assert "240p" not in done.stdout
    assert not (media(here, "declared") / "master.m3u8").exists()


NAMES = {
    "none": (),
    "empty": ("",),
    "above": ("../declared",),
    "folder": ("..",),
    "capitals": ("Guest",),
    "umlaut": ("gäst",),
    "escape": (r"gue\x2dst",),
    "blank": ("guest now",),
    "newline": ("guest\n",),
    "option": ("-guest",),
    "too_long": ("g" * 41,),
    "unknown": ("nobody",),
}


@pytest.mark.parametrize("arguments", NAMES.values(), ids=NAMES)
def test_a_name_that_is_neither_declared_nor_made_is_refused(arguments: tuple[str, ...], here: Layout) -> None:
    before = sorted(Path(here.media_root, "hls").rglob("*"))
    assert run(here, "encode", "--folder", *arguments).returncode == 0
    done = run(here, "encode", *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (78, "", 1)
    assert sorted(Path(here.media_root, "hls").rglob("*")) == before


LADDERS = {
    "empty": "",
    "only_a_newline": "\n",
    "unknown": "huge\n",
    "above": "../streams/declared\n",
    "two_words": "small default\n",
    "command": "$(touch /tmp/headend-was-here)\n",
    "too_long": "s" * 5000,
    "carriage_return": "small\r\n",
}


@pytest.mark.parametrize("text", LADDERS.values(), ids=LADDERS)
def test_what_the_hook_app_wrote_is_not_believed(text: str, here: Layout) -> None:
    Path(here.run_dir, "streams", "guest").write_bytes(text.encode())
    done = start(here, "guest")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (78, "", 1)
    assert not media(here, "guest").exists()
    assert not Path("/tmp/headend-was-here").exists()


def test_a_link_and_a_pipe_are_not_read(here: Layout) -> None:
    target = Path(here.config_dir, "secret")
    target.write_text("small\n")
    Path(here.run_dir, "streams", "link").symlink_to(target)
    os.mkfifo(Path(here.run_dir, "streams", "pipe"))
    Path(here.run_dir, "streams", "folder").mkdir()
    for slug in ("link", "pipe", "folder"):
        assert start(here, slug).returncode == 78


def test_a_ladders_own_script_checks_the_name_too(here: Layout) -> None:
    for name in ("", "../declared", "Guest", "guest\n"):
        done = run(here, "ladders/small/encode", name)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (78, "", 1)


def test_the_end_tag_is_written_once_and_by_rename(here: Layout) -> None:
    make(here, "guest")
    start(here, "guest")
    for rung in ("480p", "240p"):
        (media(here, "guest") / rung / "index.m3u8").write_text("#EXTM3U\n")
    for _ in range(2):
        done = run(here, "end-playlists", "guest")
        assert (done.returncode, done.stderr) == (0, "")
    for rung in ("480p", "240p"):
        assert (media(here, "guest") / rung / "index.m3u8").read_text() == "#EXTM3U\n#EXT-X-ENDLIST\n"
        assert [path.name for path in (media(here, "guest") / rung).iterdir()] == ["index.m3u8"]
    assert (media(here, "guest") / "master.m3u8").exists()


def test_a_stream_that_is_removed_has_no_master_playlist(here: Layout) -> None:
    file = make(here, "guest")
    start(here, "guest")
    file.unlink()
    assert run(here, "end-playlists", "guest").returncode == 0
    assert not (media(here, "guest") / "master.m3u8").exists()


def test_the_end_of_a_stream_that_was_never_on_air_is_no_fault(here: Layout) -> None:
    done = run(here, "end-playlists", "nobody")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["", "..", "../..", "Guest", "guest\n"])
def test_the_end_of_no_stream_is_refused(name: str, here: Layout) -> None:
    done = run(here, "end-playlists", name)
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1)
