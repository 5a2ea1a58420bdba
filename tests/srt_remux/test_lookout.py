"""Is the stream judged by what the socket holds, and left there for FFmpeg?"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from srt_remux import lookout
from srt_remux.faults import FaultError
from srt_remux.lookout import CallerLeftError, Finding, Lookout
from tests.support import transport_stream as ts

H264 = (ts.H264, ts.VIDEO_PID, b"")
AAC = (ts.AAC, ts.SOUND_PID, b"")
TABLES = ts.tables(H264, AAC)
PICTURE = ts.unit(ts.VIDEO_PID, ts.SPS + bytes(500), 90_000)
SOUND = ts.unit(ts.SOUND_PID, ts.ADTS, 93_000)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """nginx@srt's end and ours."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ten seconds."""
    for name, seconds in {"SILENCE": 0.2, "TABLES": 0.3, "PATIENCE": 0.1, "PICTURE": 0.3}.items():
        monkeypatch.setattr(lookout, f"{name}_SECONDS", seconds)


def look(pair: tuple[socket.socket, socket.socket], data: bytes, *, leaves: bool = False) -> Finding:
    """What is found in this data."""
    pair[0].sendall(data)
    if leaves:
        pair[0].shutdown(socket.SHUT_WR)
    return Lookout(pair[1]).look()


def test_what_was_looked_at_is_still_there(pair: tuple[socket.socket, socket.socket]) -> None:
    found = look(pair, TABLES + PICTURE + SOUND)
    assert (found.video.pid, found.sound and found.sound.pid, found.remarks) == (ts.VIDEO_PID, ts.SOUND_PID, ())
    assert pair[1].recv(1 << 20) == TABLES + PICTURE + SOUND


def test_joining_in_the_middle_of_a_gop(pair: tuple[socket.socket, socket.socket]) -> None:
    middle = TABLES + b"".join(ts.unit(ts.VIDEO_PID, ts.SLICE, n * 3000) + SOUND for n in range(300))
    look(pair, middle + TABLES + PICTURE + SOUND)
    assert pair[1].recv(1 << 20) == TABLES + PICTURE + SOUND


def test_a_packet_cut_at_the_start(pair: tuple[socket.socket, socket.socket]) -> None:
    look(pair, SOUND[100:] + TABLES + PICTURE + SOUND)
    assert pair[1].recv(1 << 20) == TABLES + PICTURE + SOUND


def test_several_tracks(pair: tuple[socket.socket, socket.socket]) -> None:
    found = look(pair, ts.tables(H264, AAC, (ts.AC3, 0x102, b"")) + PICTURE + SOUND)
    assert found.sound == (ts.SOUND_PID, "aac")
    assert found.remarks == ("2 tracks of sound (aac, ac3): the first goes on air",)


@pytest.mark.parametrize(
    "streams,remark",
    [
        pytest.param([H264], "no sound in the stream", id="picture alone"),
        pytest.param([H264, AAC], "aac is announced, but no sound comes: on air without it", id="silent track"),
    ],
)
def test_without_sound(
    pair: tuple[socket.socket, socket.socket], streams: list[tuple[int, int, bytes]], remark: str
) -> None:
    found = look(pair, ts.tables(*streams) + PICTURE)
    assert (found.sound, found.remarks) == (None, (remark,))


def test_a_caller_that_leaves_after_its_first_second_is_shown(pair: tuple[socket.socket, socket.socket]) -> None:
    assert look(pair, TABLES + PICTURE, leaves=True).video.codec == "h264"


@pytest.mark.parametrize(
    "data,reason,detail",
    [
        pytest.param(ts.tables((ts.HEVC, 0x100, b""), AAC), "video-codec", "hevc", id="hevc"),
        pytest.param(ts.tables((ts.MPEG2, 0x100, b"")), "video-codec", "mpeg2video", id="mpeg-2"),
        pytest.param(ts.tables(AAC), "no-video", "no picture", id="sound alone"),
        pytest.param(TABLES + ts.unit(ts.VIDEO_PID, ts.SLICE, 0) * 3, "no-video", "no keyframe", id="no keyframe"),
        pytest.param(bytes(30_000), "no-program", "no sync", id="zeros"),
        pytest.param(b"G" * 30_000, "no-program", "no sync", id="sync bytes alone"),
        pytest.param(ts.packets(0x1FFF, bytes(184)) * 50, "no-program", "no tables", id="null packets"),
        pytest.param(b"", "no-program", "silent", id="nothing"),
    ],
)
def test_refused(pair: tuple[socket.socket, socket.socket], data: bytes, reason: str, detail: str) -> None:
    with pytest.raises(FaultError) as refusal:
        look(pair, data)
    assert (refusal.value.reason, refusal.value.detail) == (reason, detail)


@pytest.mark.parametrize(
    "data", [b"", TABLES[:100], TABLES], ids=["at once", "before its tables", "before its picture"]
)
def test_left(pair: tuple[socket.socket, socket.socket], data: bytes) -> None:
    with pytest.raises(CallerLeftError):
        look(pair, data, leaves=True)


def test_garbage_without_end_is_refused_by_its_amount(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "TABLES_SECONDS", 60.0)
    monkeypatch.setattr(lookout, "FULL_AFTER_SECONDS", 0.01)
    threading.Thread(target=_flood, args=(pair[0],), daemon=True).start()
    began = time.monotonic()
    with pytest.raises(FaultError, match="not MPEG-TS"):
        Lookout(pair[1]).look()
    assert time.monotonic() - began < 10
    pair[1].shutdown(socket.SHUT_RDWR)


def _flood(caller: socket.socket) -> None:
    try:
        while True:
            caller.sendall(bytes(1316))
    except OSError:
        return
