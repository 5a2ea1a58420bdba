"""Who is recorded: those of the configuration, while they are on air, and nobody who is refused."""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ingest_nginx import CONFIGURATION, Ingest
from tests.support.nginx_build import built_nginx
from tests.support.recording_ingest import frames, is_locked, name_of, recording, wait
from tests.support.rtmp import COMMAND, VIDEO, RtmpClient, command

CODEC_HEADER = b"\x17\x00\x00\x00\x00\x01\x64\x00\x1f\xff\xe1\x00\x00"
KEYFRAME = b"\x17\x01\x00\x00\x00" + bytes(64)

# nginx drops frames for a player who cannot follow.
AT_A_PACE = ("-readrate", "4")


def send(client: RtmpClient, *payloads: bytes) -> None:
    """Video messages, in one stream of chunks."""
    for payload in payloads:
        client.send(VIDEO, payload, csid=6, msid=1)


@contextmanager
def on_air(ingest: Ingest, name: str) -> Iterator[RtmpClient]:
    """A publisher that was let in and has sent nothing yet."""
    with ingest.client() as client:
        client.connect()
        client.publish(name)
        yield client


@pytest.mark.parametrize(
    "directives, recorded",
    [
        ("", {"one", "two"}),
        ("record_only one;", {"one"}),
        ("record_only three; record_only four two;", {"two"}),
        ("record_except one;", {"two"}),
        ("record_except one two;", set()),
        ("record_only on;", set()),
    ],
)
def test_only_the_streams_of_the_configuration_are_recorded(
    buffer: Path, short_film: Path, directives: str, recorded: set[str]
) -> None:
    with recording(buffer, directives) as here:
        for stream in ("one", "two"):
            here.publish(short_film, stream)
        assert {name_of(part)["stream"] for part in here.parts()} == recorded
        assert {path.suffix for path in buffer.iterdir()} <= {".flv"}


def test_only_and_except_exclude_each_other(tmp_path: Path) -> None:
    text = CONFIGURATION.format(
        prefix=built_nginx(), run=tmp_path, rtmp_port=1, http_port=2, application="record_only one; record_except two;"
    )
    (tmp_path / "nginx.conf").write_text(text)
    argv = [f"{built_nginx()}/sbin/nginx", "-t", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert '"record_only" and "record_except" exclude each other' in done.stderr


def test_a_second_publisher_who_is_refused_is_not_recorded(buffer: Path, short_film: Path) -> None:
    with recording(buffer) as here:
        with here.publishing(short_film, "demo", "-re") as first:
            wait(here.parts, 10)
            with here.ingest.client() as second:
                second.connect()
                second.send(COMMAND, command("createStream", 2, None))
                second.wait_for(b"_result")
                second.send(COMMAND, command("publish", 0, None, "demo", "live"), msid=1)
                second.wait_for(b"NetStream.Publish.BadName")
                for _ in range(5):
                    send(second, CODEC_HEADER, KEYFRAME)
                    time.sleep(0.2)
                # Not when the first has left either: it was never on air.
                assert first.wait(30) == 0
                send(second, CODEC_HEADER, KEYFRAME)
                time.sleep(0.5)
        here.wait_closed()
        (part,) = here.parts()
        assert frames(part) == frames(short_film)


def test_who_sends_no_frame_leaves_no_file(buffer: Path) -> None:
    with recording(buffer) as here:
        with on_air(here.ingest, "demo") as client:
            send(client, CODEC_HEADER)
            time.sleep(0.3)
        with on_air(here.ingest, "other") as client:
            send(client, CODEC_HEADER, KEYFRAME)
            wait(here.parts, 5)
        assert here.parts("demo") == []


def test_a_session_is_recorded_under_the_name_that_is_on_air(buffer: Path) -> None:
    with recording(buffer) as here, on_air(here.ingest, "mine") as client:
        client.send(COMMAND, command("publish", 0, None, "yours", "live"), msid=1)
        time.sleep(0.3)
        send(client, CODEC_HEADER, KEYFRAME)
        wait(here.parts, 5)
        assert [name_of(part)["stream"] for part in here.parts()] == ["mine"]


def test_the_same_connection_counts_on_when_it_publishes_again(buffer: Path) -> None:
    with recording(buffer) as here, here.ingest.client() as client:
        client.connect()
        for count in (1, 2):
            client.publish("demo")
            send(client, CODEC_HEADER, KEYFRAME)
            wait(lambda count=count: len(here.parts()) == count, 5)
            client.send(COMMAND, command("deleteStream", 0, None, 1))
        assert [name_of(part)["part"] for part in here.parts()] == ["1", "2"]


def test_without_keyframes_a_part_ends_at_twice_its_size(buffer: Path) -> None:
    with recording(buffer, "record_max_size 100k;") as here, on_air(here.ingest, "demo") as client:
        send(client, CODEC_HEADER, KEYFRAME)
        for _ in range(400):
            send(client, b"\x27\x01\x00\x00\x00" + bytes(1000))
        wait(lambda: here.parts() and not is_locked(here.parts()[0]), 10)
        (part,) = here.parts()
        assert 200 * 1024 <= part.stat().st_size < 203 * 1024
        send(client, KEYFRAME)
        wait(lambda: len(here.parts()) == 2, 5)


def test_a_folder_that_is_missing_is_said_and_live_goes_on(tmp_path: Path, buffer: Path, short_film: Path) -> None:
    with recording(buffer) as here:
        buffer.rmdir()
        with here.watching("demo", tmp_path / "seen.flv"):
            here.publish(short_film, "demo", *AT_A_PACE)
        assert f"failed to open file '{buffer}/demo-" in here.ingest.errors()
        assert "No such file or directory" in here.ingest.errors()
    assert frames(tmp_path / "seen.flv") == frames(short_film)


def test_a_locked_file_is_left_alone_and_nobody_waits(tmp_path: Path, buffer: Path, short_film: Path) -> None:
    theirs = buffer / "demo.flv"
    theirs.write_bytes(b"theirs")
    theirs.chmod(0o666)
    # The lock ends first: an nginx that waits for it could not be ended.
    with recording(buffer, "record_unique off; record_append on;") as here, theirs.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        with here.watching("demo", tmp_path / "seen.flv"):
            here.publish(short_film, "demo", *AT_A_PACE)
        assert f"lock of '{theirs}' failed" in here.ingest.errors()
    assert theirs.read_bytes() == b"theirs"
    assert frames(tmp_path / "seen.flv") == frames(short_film)
