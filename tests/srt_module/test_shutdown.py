"""Starts, stops, reloads and deaths: nothing leaks, no caller is left hanging, a fault stops a start in one line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from testbed.srt_socket import SrtError, SrtRefused, SrtSocket
from tests.support.srt_nginx import KEY, SrtServer, running_srt, wait_for
from tests.support.srt_strangers import descriptors, descriptors_at_rest
from tests.support.srt_upstream import Upstream, upstream

pytestmark = pytest.mark.host

MESSAGE = (b"\x47\x1f\xff\x10" + bytes(184)) * 7
SLUGS = [f"s{number}" for number in range(8)]
ROOM = "max_connections 64 per_address=64;"


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture
def server(behind: Upstream) -> Iterator[SrtServer]:
    with running_srt(behind, *SLUGS, directives=ROOM) as server:
        yield server


def call(server: SrtServer, stack: ExitStack) -> list[SrtSocket]:
    """All streams on air."""
    callers = [stack.enter_context(server.connect(server.encrypted(slug))) for slug in SLUGS]
    wait_for(lambda: len(server.sessions()) == len(SLUGS), "all on air")
    return callers


def send_until_cut(caller: SrtSocket, seconds: float) -> float:
    """How long it took until the caller knew."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            caller.send(MESSAGE)
        except SrtError:
            return time.monotonic() - began
        time.sleep(0.01)
    raise AssertionError("the caller was not cut")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGQUIT])
def test_a_stop_cuts_callers_and_ends_upstreams_at_once(behind: Upstream, how: signal.Signals) -> None:
    with running_srt(behind, *SLUGS, directives=ROOM) as server, ExitStack() as stack:
        callers = call(server, stack)
        wait_for(lambda: len(behind.handed) == len(SLUGS), "all handed on")
        callers[0].send(MESSAGE)
        time.sleep(0.3)
        began = time.monotonic()
        server.signal(how)
        assert server.process.wait(10) == 0
        assert time.monotonic() - began < 3
        assert all(handed.ended.wait(1) for handed in behind.handed)
        assert behind.handed[0].size == len(MESSAGE)
        assert send_until_cut(callers[0], 2) < 2
        assert not [line for line in server.errors().splitlines() if "[alert]" in line or "[emerg]" in line]


def test_callers_come_and_go_without_a_trace(server: SrtServer, behind: Upstream) -> None:
    worker = server.worker_pid
    before = descriptors_at_rest(worker)
    for _ in range(5):
        with ExitStack() as stack:
            call(server, stack)
            wait_for(lambda: descriptors(worker) == before + len(SLUGS), "one descriptor for each")
        wait_for(lambda: not server.sessions(), "all gone")
    wait_for(lambda: descriptors(worker) == before, "as many as before")
    assert all(handed.ended.wait(1) for handed in behind.handed)


def test_a_killed_worker_is_replaced_on_the_same_port(server: SrtServer, behind: Upstream) -> None:
    with ExitStack() as stack:
        call(server, stack)
        dead = server.worker_pid
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda: server.worker_pids() not in ([], [dead]), "a new worker", 5)
        assert all(handed.ended.wait(2) for handed in behind.handed)
        with server.calling(server.encrypted(SLUGS[0])) as caller:
            caller.send(MESSAGE)
            wait_for(lambda: behind.handed[-1].size == len(MESSAGE), "handed on")


def test_a_reload_cuts_callers_and_listens_on(server: SrtServer, behind: Upstream) -> None:
    with ExitStack() as stack:
        callers = call(server, stack)
        old = server.worker_pid
        server.signal(signal.SIGHUP)
        wait_for(lambda: server.worker_pids() not in ([old], []) and len(server.worker_pids()) == 1, "a new worker", 5)
        assert send_until_cut(callers[0], 2) < 2
        assert all(handed.ended.wait(1) for handed in behind.handed)
        for slug in SLUGS:
            server.visit(server.encrypted(slug))


def has_another_worker(server: SrtServer, old: int) -> bool:
    """Whether one worker is there, and it is not the old one."""
    return len(server.worker_pids()) == 1 and server.worker_pid != old


def test_reloads_leak_no_descriptor_in_the_master(server: SrtServer) -> None:
    counts = []
    for _ in range(4):
        old = server.worker_pid
        server.signal(signal.SIGHUP)
        wait_for(partial(has_another_worker, server, old), "a new worker", 5)
        counts.append(len(os.listdir(f"/proc/{server.master_pid}/fd")))
    assert len(set(counts)) == 1


def test_a_reload_that_fails_changes_nothing(server: SrtServer) -> None:
    conf = server.run / "nginx.conf"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, server.calling(server.encrypted("s0")) as caller:
        taken.bind(("127.0.0.1", 0))
        text = conf.read_text()
        conf.write_text(text.replace(ROOM, f"{ROOM} listen 127.0.0.1:{taken.getsockname()[1]};"))
        server.signal(signal.SIGHUP)
        wait_for(lambda: "bind() to udp" in server.errors(), "no line")
        time.sleep(0.5)
        assert caller.connected()
        assert server.process.poll() is None


def test_signals_are_nginxs_own_business(server: SrtServer) -> None:
    tasks = Path(f"/proc/{server.worker_pid}/task")
    # The SRT thread and libsrt's own: one that sends, one that receives, one that cleans up.
    wait_for(lambda: len(list(tasks.iterdir())) == 5, "five threads")
    blocked = {task.name: _blocked(task) for task in tasks.iterdir()}
    assert blocked.pop(str(server.worker_pid)) == 0
    wanted = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM, signal.SIGIO)
    assert all(mask >> number - 1 & 1 for mask in blocked.values() for number in wanted)


def _blocked(task: Path) -> int:
    (line,) = (line for line in (task / "status").read_text().splitlines() if line.startswith("SigBlk"))
    return int(line.split()[1], 16)


def test_a_caller_that_falls_silent_is_gone(behind: Upstream) -> None:
    with running_srt(behind, "coffee") as server:
        address = f"srt://127.0.0.1:{server.srt_port}?streamid=coffee?u={KEY}"
        argv = [
            "srt-live-transmit",
            "-q",
            "file://con",
            f"{address}&passphrase={server.encrypted('coffee').passphrase}",
        ]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as caller:
            try:
                wait_for(server.sessions, "on air")
                caller.send_signal(signal.SIGSTOP)
                wait_for(lambda: not server.sessions(), "still on air", 8)
            finally:
                caller.kill()
        assert behind.handed[0].ended.wait(1)


def test_callers_meanwhile_do_not_hold_up_the_stat_page(server: SrtServer) -> None:
    over = threading.Event()

    def knock() -> None:
        while not over.wait(0.01):
            # Its own last visit may still be going.
            with suppress(SrtRefused), server.connect(server.signed("s1")):
                pass

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        slowest = max(_timed(server.stat) for _ in range(100))
    finally:
        over.set()
        thread.join()
    assert slowest < 0.5


def _timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began
