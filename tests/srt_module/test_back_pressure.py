"""An upstream that is slow holds up its own caller, no other one, and no memory beyond what was set aside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from testbed.srt_socket import SrtError, SrtSocket
from tests.support.srt_nginx import SrtServer, running_srt, wait_for
from tests.support.srt_upstream import Upstream, upstream

pytestmark = pytest.mark.host

MESSAGE = (b"\x47\x1f\xff\x10" + bytes(184)) * 7
SMALL = "buffer_size 256k; receive_buffer 512k;"


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@contextmanager
def on_air(server: SrtServer, behind: Upstream, slug: str, gap: float = 0.002) -> Iterator[SrtSocket]:
    """A caller that sends, and whose first bytes have reached the upstream."""
    before = len(behind.handed)
    with server.connect(server.encrypted(slug)) as caller, sending(caller, gap):
        wait_for(lambda: len(behind.handed) > before and behind.handed[before].size, "on air")
        yield caller


@contextmanager
def sending(caller: SrtSocket, gap: float = 0.002) -> Iterator[None]:
    """A stream of about 5 Mbit/s, as long as the context lasts or the caller does."""
    over = threading.Event()

    def send() -> None:
        with suppress(SrtError):
            while not over.wait(gap):
                caller.send(MESSAGE)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def resident_kib(server: SrtServer) -> int:
    """Memory of the worker."""
    status = Path(f"/proc/{server.worker_pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def test_a_slow_upstream_pauses_its_caller_who_then_goes_on(behind: Upstream) -> None:
    with running_srt(behind, "coffee", directives="buffer_size 256k;") as server:
        with on_air(server, behind, "coffee") as caller:
            behind.reading.clear()
            wait_for(lambda: server.sessions()[0]["paused"], "not paused")
            time.sleep(2)
            assert server.sessions()[0]["ring_bytes"] <= 256 * 1024
            before = behind.handed[0].size
            behind.reading.set()
            wait_for(lambda: not server.sessions()[0]["paused"], "still paused")
            wait_for(lambda: behind.handed[0].size > before + 2_000_000, "it does not go on")
            assert caller.connected()
        wait_for(lambda: behind.handed[0].ended.is_set(), "no end")
    assert behind.handed[0].stream.sync_losses == 0


def test_memory_has_an_end(behind: Upstream) -> None:
    small = f"pass_send_timeout 60s; {SMALL}"
    with running_srt(behind, "coffee", directives=small) as server, on_air(server, behind, "coffee"):
        behind.reading.clear()
        wait_for(lambda: server.sessions()[0]["receive_buffer_bytes"] > 400 * 1024, "libsrt's buffer is not full")
        full = resident_kib(server)
        time.sleep(3)
        assert resident_kib(server) - full < 1024
        assert server.sessions()[0]["ring_bytes"] <= 256 * 1024


def test_a_wide_window_holds_a_long_stall(behind: Upstream) -> None:
    # More than the 8192 packets of libsrt's default: 13 MB, in slots of 1472 bytes.
    wide = "pass_send_timeout 60s; flight_window 16384; receive_buffer 24m;"
    with running_srt(behind, "coffee", directives=wide) as server, on_air(server, behind, "coffee", gap=0.0001):
        behind.reading.clear()
        wait_for(lambda: server.sessions()[0]["receive_buffer_bytes"] > 13_000_000, "it holds no more", 60)
        assert server.sessions()[0]["packets_dropped"] == 0


def test_a_stuck_upstream_loses_its_caller(behind: Upstream) -> None:
    with running_srt(behind, "coffee", directives=f"pass_send_timeout 1s; {SMALL}") as server:
        with on_air(server, behind, "coffee") as caller:
            behind.reading.clear()
            wait_for(lambda: not caller.connected(), "still there", 6)
        wait_for(lambda: not server.sessions(), "the place is free again")
        assert "upstream takes nothing, stream=coffee" in server.errors()


def test_others_do_not_notice(behind: Upstream) -> None:
    small = f"pass_send_timeout 60s; {SMALL}"
    with running_srt(behind, "coffee", "tea", directives=small) as server, on_air(server, behind, "coffee") as one:
        behind.handed[0].stuck.set()
        wait_for(lambda: server.sessions()[0]["paused"], "not paused")
        with on_air(server, behind, "tea"):
            wait_for(lambda: behind.handed[1].stream.packets > 7000, "held up")
        assert behind.handed[1].stream.sync_losses == 0
        assert one.connected()
        behind.handed[0].stuck.clear()


def test_a_caller_that_hangs_up_while_paused_loses_nothing(behind: Upstream) -> None:
    with running_srt(behind, "coffee", directives=f"pass_send_timeout 60s; {SMALL}") as server:
        behind.reading.clear()
        with server.connect(server.encrypted("coffee", latency_ms=60)) as caller:
            sent = 0
            while not server.sessions() or not server.sessions()[0]["paused"]:
                caller.send(MESSAGE)
                sent += 1
                # As fast as an encoder, not as it goes: what is on its way at the pause must fit libsrt's buffer.
                time.sleep(0.002)
            wait_for(lambda: caller.unsent() == 0, "all confirmed", 5)
        time.sleep(0.5)
        behind.reading.set()
        wait_for(lambda: behind.handed[0].ended.is_set(), "no end")
        assert behind.handed[0].size == sent * len(MESSAGE)
