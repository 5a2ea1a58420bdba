"""Does the laboratory's encoder speak SRT: whole messages, reasons that help, and no secret where others look?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.connection import LOST, REFUSED, UNREACHABLE
from testbed.publisher import Publisher
from testbed.srt_socket import PAYLOAD, SrtListener, SrtOptions, SrtSocket

PASSPHRASE = "correct-horse-battery"
TS_PACKET = 188


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a test picture with sound."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
    argv += ["-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "2", "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*argv, "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", str(path)], check=True)
    return path


@pytest.fixture
def listener() -> Iterator[SrtListener]:
    """Takes callers that know the passphrase."""
    listener = SrtListener(options=SrtOptions(passphrase=PASSPHRASE))
    yield listener
    listener.close()


def url(port: int, passphrase: str = PASSPHRASE) -> str:
    """The listener's address as libsrt spells it."""
    return f"srt://127.0.0.1:{port}?streamid=%23!::r%3Ddemo,m%3Dpublish&passphrase={passphrase}&latency=200"


def receive(caller: SrtSocket, size: int) -> bytes:
    """Messages until there are so many bytes; each is whole."""
    data = b""
    while len(data) < size:
        message = caller.receive()
        assert len(message) == PAYLOAD
        data += message
    return data


def test_sends_what_a_decoder_reads(listener: SrtListener, film: Path, tmp_path: Path) -> None:
    publisher = Publisher.start(film, url(listener.port), tmp_path / "log")
    try:
        with listener.accept() as caller:
            data = receive(caller, 200_000)
        assert caller_spoke_mpegts(data)
        recording = tmp_path / "recording.ts"
        recording.write_bytes(data)
        argv = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "json", str(recording)]
        streams = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)["streams"]
        assert [stream["codec_name"] for stream in streams] == ["h264", "aac"]
    finally:
        publisher.stop()


def caller_spoke_mpegts(data: bytes) -> bool:
    """Whether every packet begins with the sync byte."""
    return set(data[::TS_PACKET]) == {0x47}


def test_wrong_passphrase_is_told(listener: SrtListener, film: Path, tmp_path: Path) -> None:
    wrong = "incorrect-horse"
    publisher = Publisher.start(film, url(listener.port, wrong), tmp_path / "log")
    assert publisher.process.wait(10) == REFUSED
    assert "wrong passphrase" in publisher.reason()
    assert wrong not in publisher.log.read_text()


def test_nobody_there(film: Path, tmp_path: Path) -> None:
    listener = SrtListener()
    listener.close()
    publisher = Publisher.start(film, url(listener.port), tmp_path / "log")
    assert publisher.process.wait(10) == UNREACHABLE


def test_comes_back_when_the_server_hangs_up(listener: SrtListener, film: Path, tmp_path: Path) -> None:
    publisher = Publisher.start(film, url(listener.port), tmp_path / "log", reconnect=0.1)
    try:
        for _ in range(2):
            with listener.accept() as caller:
                receive(caller, PAYLOAD)
        listener.accept().close()
        assert [one["code"] for one in publisher.events() if one["event"] == "failed"][:2] == [LOST, LOST]
    finally:
        publisher.stop()


def test_passphrase_is_in_no_argument_list(listener: SrtListener, film: Path, tmp_path: Path) -> None:
    publisher = Publisher.start(film, url(listener.port), tmp_path / "log")
    try:
        with listener.accept():
            process = Path(f"/proc/{publisher.pid}")
            shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            assert PASSPHRASE.encode() not in shown
    finally:
        publisher.stop()


def test_options_show_no_secret() -> None:
    shown = repr(SrtOptions(stream_id="#!::r=demo,sig=abc", passphrase=PASSPHRASE))
    assert PASSPHRASE not in shown
    assert "sig" not in shown
