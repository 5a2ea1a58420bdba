"""A show over a bad line, watched to its last packet; `python -m tests.srt_module.long_loss` watches longer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.srt_socket import PAYLOAD, SrtSocket, connect
from tests.support.network import FAR_ADDRESS, Line, bad_line, inside
from tests.support.srt_nginx import SrtServer, running_srt, wait_for
from tests.support.srt_upstream import upstream

LOSS, RTT_MS, LATENCY_MS = 0.05, 60, 400

# The namespace is ours alone: every port is free.
PORT = 9000

# How long the last packets may be on their way, with all that are sent again.
_DRAIN_SECONDS = 10


@dataclass(frozen=True)
class Report:
    """What was sent, what the line did to it, and what came out."""

    line: str
    seconds: float
    bytes_sent: int
    bytes_handed_on: int
    ts_packets: int
    discontinuities: int
    sync_losses: int
    packets_received: int
    packets_lost: int
    packets_retransmitted: int
    packets_dropped: int
    rtt_ms: float
    line_packets: int | None = None
    line_lost: int | None = None
    line_late_ms: int | None = None
    """What the line itself added at worst because the machine was busy: it counts against the latency."""

    def __str__(self) -> str:
        return "\n".join(f"{name} {value}" for name, value in asdict(self).items())


def show_over_a_bad_line(film: Path, seconds: float) -> Report:
    """Send the film over and over in real time for so long, 5 % lost each way and 60 ms there and back."""
    directives = f"listen {FAR_ADDRESS}:{PORT}; latency {LATENCY_MS}ms;"
    with (
        upstream() as behind,
        bad_line(loss=LOSS, rtt_ms=RTT_MS) as line,
        inside(line.far),
        running_srt(behind, "show", directives=directives) as server,
    ):
        began = time.monotonic()
        with caller(server, line) as call:
            sent = _send(call, film, seconds)
            wait_for(lambda: call.unsent() == 0, "the last packets did not arrive", _DRAIN_SECONDS)
            took = time.monotonic() - began
            # If they are not all there then, the report tells which are missing.
            with suppress(RuntimeError):
                wait_for(lambda: behind.handed and behind.handed[0].size >= sent, "bytes are missing", _DRAIN_SECONDS)
            (session,) = server.sessions()
        (handed,) = behind.handed
        return Report(
            line=line.made_by,
            seconds=round(took, 1),
            bytes_sent=sent,
            bytes_handed_on=handed.size,
            ts_packets=handed.stream.packets,
            discontinuities=handed.stream.discontinuities,
            sync_losses=handed.stream.sync_losses,
            packets_received=session["packets_received"],
            packets_lost=session["packets_lost"],
            packets_retransmitted=session["packets_retransmitted"],
            packets_dropped=session["packets_dropped"],
            rtt_ms=session["rtt_ms"],
            line_packets=line.link.seen if line.link else None,
            line_lost=line.link.dropped if line.link else None,
            line_late_ms=round(line.link.latest * 1000) if line.link else None,
        )


@contextmanager
def caller(server: SrtServer, line: Line) -> Iterator[SrtSocket]:
    """An encrypted caller on the near side; a first handshake may be lost like anything else."""
    with inside(line.near):
        call = connect(FAR_ADDRESS, PORT, server.encrypted("show", latency_ms=LATENCY_MS, connect_ms=10_000))
    with call:
        yield call


def _send(call: SrtSocket, film: Path, seconds: float) -> int:
    """Mux the film to MPEG-TS at its own pace and send it, seven packets at a time; returns the bytes."""
    argv = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", str(film), "-t", f"{seconds:g}"]
    sent = 0
    with subprocess.Popen([*argv, "-c", "copy", "-f", "mpegts", "-"], stdout=subprocess.PIPE) as encoder:
        assert encoder.stdout
        try:
            while message := encoder.stdout.read(PAYLOAD):
                call.send(message)
                sent += len(message)
        finally:
            encoder.kill()
    return sent
