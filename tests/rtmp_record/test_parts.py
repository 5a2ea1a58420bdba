"""Are the parts of a recording what was published, no frame less, under names that say whose they are?"""

from __future__ import annotations

import stat
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.support.recording_ingest import VIDEO_TAG, decode, frames, is_locked, name_of, recording, tags, wait

REAL_TIME = "-re"


class HookApp(BaseHTTPRequestHandler):
    """Lets every publisher in and remembers who it was."""

    clients: list[str] = []  # noqa: RUF012 (one server at a time)

    def do_POST(self) -> None:
        """Answer 200."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.clients.append(parse_qs(body)["clientid"][0])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the parent's)
        """Say nothing."""


def joined(parts: list[Path], kind: str) -> list[str]:
    """The frames of all parts."""
    return [frame for part in parts for frame in frames(part, kind)]


def assert_nothing_is_lost(parts: list[Path], film: Path) -> None:
    """The parts are the film, each begins with a keyframe and plays by itself."""
    assert joined(parts, "v") == frames(film, "v")
    assert joined(parts, "a") == frames(film, "a")
    for part in parts:
        assert decode(part) == ""
        assert tags(part)[0][1] == 0


def test_a_name_says_the_stream_the_second_the_connection_and_the_part(buffer: Path, short_film: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), HookApp) as app:
        threading.Thread(target=app.serve_forever, daemon=True).start()
        asks = f"notify_method post; on_publish http://127.0.0.1:{app.server_port}/hooks/on_publish;"
        before = int(time.time())
        with recording(buffer, asks) as here:
            here.publish(short_film, "coffee-and-stocks")
            (part,) = here.parts()
        app.shutdown()
    named = name_of(part)
    assert before <= int(named.pop("second")) <= time.time()
    assert named == {"stream": "coffee-and-stocks", "connection": HookApp.clients[-1], "part": "1"}
    # Everybody on the host must not read it, whatever nginx's umask: a daemon's is 0.
    assert stat.S_IMODE(part.stat().st_mode) == 0o640
    assert_nothing_is_lost([part], short_film)


def test_parts_of_some_seconds_are_the_whole_film(buffer: Path, short_film: Path) -> None:
    with recording(buffer, "record_interval 3s; record_max_size 1000m;") as here:
        here.publish(short_film, "demo", REAL_TIME)
        parts = here.parts()
    # A group of pictures is two seconds long: cuts at 4 and 8.
    assert [name_of(part)["part"] for part in parts] == ["1", "2", "3"]
    assert len({name_of(part)["connection"] for part in parts}) == 1
    assert_nothing_is_lost(parts, short_film)


def test_parts_of_some_size_are_the_whole_film_however_long_the_interval(buffer: Path, short_film: Path) -> None:
    with recording(buffer, "record_interval 1h; record_max_size 1m;") as here:
        here.publish(short_film)
        parts = here.parts()
    # About a megabyte in each group of pictures.
    assert len(parts) in (3, 4, 5)
    assert all(1_000_000 < part.stat().st_size < 3_000_000 for part in parts[:-1])
    assert_nothing_is_lost(parts, short_film)


def test_who_comes_back_within_the_same_second_empties_nothing(buffer: Path, short_film: Path) -> None:
    with recording(buffer) as here:
        for _ in range(3):
            here.publish(short_film)
        parts = here.parts()
    assert len(parts) == 3
    for part in parts:
        assert_nothing_is_lost([part], short_film)


@pytest.mark.parametrize("link", [False, True], ids=["a_file", "a_link"])
def test_what_is_there_is_never_written_over(buffer: Path, short_film: Path, link: bool) -> None:
    precious = buffer.parent / "precious"
    precious.write_text("precious")
    precious.chmod(0o666)
    taken = buffer / "demo.flv"
    if link:
        taken.symlink_to(precious)
    else:
        precious.rename(taken)
    with recording(buffer, "record_unique off;") as here:
        here.publish(short_film)
        assert "failed to open file" in here.ingest.errors()
    assert taken.read_text() == "precious"
    assert list(buffer.iterdir()) == [taken]


def test_a_file_is_locked_as_long_as_it_is_written(buffer: Path, short_film: Path) -> None:
    with recording(buffer, "record_interval 3s;") as here:
        with here.publishing(short_film, "demo", REAL_TIME) as publisher:
            wait(lambda: len(here.parts()) == 2, 15)
            first, second = here.parts()
            assert (is_locked(first), is_locked(second)) == (False, True)
            publisher.wait(30)
        wait(lambda: not is_locked(second), 5)


def test_a_publisher_without_video_is_recorded_in_parts_too(tmp_path: Path, buffer: Path, short_film: Path) -> None:
    sound = tmp_path / "sound.flv"
    sound.write_bytes(only_sound(short_film))
    with recording(buffer, "record_interval 3s;") as here:
        here.publish(sound, "demo", REAL_TIME)
        parts = here.parts()
    assert len(parts) == 4
    assert joined(parts, "a") == frames(sound, "a")


def only_sound(film: Path) -> bytes:
    """The same film without its pictures."""
    data, at = film.read_bytes(), 13
    # The header says so, too.
    kept = data[:4] + b"\x04" + data[5:13]
    while at < len(data):
        end = at + 11 + int.from_bytes(data[at + 1 : at + 4], "big") + 4
        kept += b"" if data[at] == VIDEO_TAG else data[at:end]
        at = end
    return kept
