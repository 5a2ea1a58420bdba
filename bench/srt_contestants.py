"""The two that bench/srt.py compares, started for one round each, with callers that are let in."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.sink import datagram_sinks, stream_sink
from testbed.fault import TestbedError
from testbed.srt_socket import SrtOptions, SrtSocket, SrtUnreachable, connect
from tests.support.srt_nginx import running_srt

CALLERS = 10
LATENCY_MS = 120
TICKS = os.sysconf("SC_CLK_TCK")
DIRECTIVES = "max_connections 64 per_address=64;"
START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """Where each caller goes, and whose time counts."""

    targets: Sequence[tuple[int, SrtOptions]]
    pids: Sequence[int]

    def cpu_seconds(self) -> float:
        """User and system time of all threads so far."""
        return sum(cpu_seconds(pid) for pid in self.pids)

    def callers(self) -> Iterator[SrtSocket]:
        """Every caller, on air."""
        for port, options in self.targets:
            yield calling(port, options)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def calling(port: int, options: SrtOptions) -> SrtSocket:
    """A caller on air; a listener that has just been started may need a moment."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return connect("127.0.0.1", port, options)
        except SrtUnreachable:
            if time.monotonic() > end:
                raise TestbedError(f"bench srt: nobody answers at port {port}") from None


def free_port() -> int:
    """A UDP port of loopback that nobody has right now."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours(*, encrypted: bool) -> Iterator[Contestant]:
    """nginx with the module, as it is built for a host; plain callers prove themselves by a signature."""
    slugs = [f"bench{number}" for number in range(CALLERS)]
    with tempfile.TemporaryDirectory(prefix="headend-bench-") as folder:
        Path(folder).chmod(0o755)
        sink = Path(folder, "sink.sock")
        with stream_sink(sink), running_srt(f"unix:{sink}", *slugs, directives=DIRECTIVES) as nginx:
            ticket = nginx.encrypted if encrypted else nginx.signed
            targets = [(nginx.srt_port, replace(ticket(slug), latency_ms=LATENCY_MS)) for slug in slugs]
            yield Contestant(targets, [nginx.worker_pid])


@contextmanager
def reference(*, encrypted: bool) -> Iterator[Contestant]:
    """One srt-live-transmit for each caller."""
    passphrase = secrets.token_urlsafe(24) if encrypted else ""
    secret = f"&passphrase={passphrase}" if encrypted else ""
    options = SrtOptions(passphrase=passphrase, latency_ms=LATENCY_MS)
    with datagram_sinks(CALLERS) as sinks, ExitStack() as stack:
        targets, pids = [], []
        for sink in sinks:
            port = free_port()
            source = f"srt://127.0.0.1:{port}?mode=listener&latency={LATENCY_MS}{secret}"
            argv = ["srt-live-transmit", "-q", source, f"udp://127.0.0.1:{sink}"]
            process = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
            targets.append((port, options))
            pids.append(process.pid)
        yield Contestant(targets, pids)


MAKERS: dict[str, Callable[..., AbstractContextManager[Contestant]]] = {"ours": ours, "reference": reference}
