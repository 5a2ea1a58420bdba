"""Two dozen callers who come and go over a server with sanitizers; `python -m tests.srt_module.long_soak` is longer."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from tests.srt_module.soak_callers import Caller, Notes, slug_of
from tests.support.srt_nginx import SrtServer, running_srt, srt_build, wait_for
from tests.support.srt_strangers import descriptors, descriptors_at_rest, named_descriptors, resident_kib
from tests.support.srt_upstream import Handed, Upstream, upstream

CALLERS = 24

# Short times and a small ring, so that every way to end a caller is gone.
DIRECTIVES = "peer_idle_timeout 2s; buffer_size 64k; pass_send_timeout 3s; max_connections 32 per_address=8;"

_SAMPLE_SECONDS = 2
# Every so many samples the upstream hangs up on somebody, or reads nothing for a sample's time.
_HANG_UP_EVERY, _STALL_EVERY = 3, 10
# The allocator, and a sanitizer's quarantine, fill first.
_WARM_UP = 1 / 3


@dataclass(frozen=True)
class Sample:
    """The worker at one time."""

    seconds: float
    resident_kib: int
    descriptors: int
    sessions: int


@dataclass
class Report:
    """What went on, and what is left of it."""

    seconds: float
    notes: Notes = field(default_factory=Notes)
    samples: list[Sample] = field(default_factory=list)
    descriptors_before: int = 0
    descriptors_after: int = 0
    left_open: list[str] = field(default_factory=list)
    accepted: int = 0
    same_worker: bool = False
    exit_status: int = -1
    sanitizer: str = ""

    @property
    def settled(self) -> list[Sample]:
        """The samples after the warm-up."""
        return [sample for sample in self.samples if sample.seconds >= self.seconds * _WARM_UP]

    @property
    def kib_per_minute(self) -> float:
        """Slope of the resident memory after the warm-up, by least squares."""
        points = self.settled
        middle = sum(point.seconds for point in points) / len(points)
        spread = sum((point.seconds - middle) ** 2 for point in points)
        return 60 * sum((point.seconds - middle) * point.resident_kib for point in points) / spread

    def __str__(self) -> str:
        seen = self.samples[:: max(1, len(self.samples) // 30)]
        lines = [
            f"seconds {self.seconds}, accepted {self.accepted}, same worker {self.same_worker}",
            f"descriptors before {self.descriptors_before}, after {self.descriptors_after}",
            *(f"open: {name}" for name in self.left_open),
            f"slope {self.kib_per_minute:.1f} KiB/min, exit status {self.exit_status}",
            *(f"{name} {count}" for name, count in sorted(self.notes.acts.items())),
            f"wrong answers {self.notes.wrong.total()}",
            *(f"{count} x {what}" for what, count in self.notes.wrong.most_common(20)),
            *(f"{s.seconds:7.1f} s {s.resident_kib} KiB, {s.descriptors} fd, {s.sessions} on air" for s in seen),
            f"sanitizer: {self.sanitizer[:5000] or 'nothing'}",
        ]
        return "\n".join(lines)


def soak(seconds: float, seed: int = 1, *, sanitize: bool = True) -> Report:
    """Let the crowd at a build with AddressSanitizer, UBSan and the search for leaks, then end it in order.

    Without `sanitize` at the build that hosts run: its memory is all its own, no quarantine of freed pieces.
    """
    report = Report(seconds)
    slugs = [slug_of(number) for number in range(CALLERS)]
    build = srt_build(sanitize=sanitize)
    with (
        upstream() as behind,
        running_srt(behind, *slugs, directives=DIRECTIVES, prefix=build, leaks=sanitize) as server,
    ):
        behind.KEPT = 0
        worker = server.worker_pid
        report.descriptors_before = descriptors_after_a_caller(server)
        _crowd(server, behind, report, seed)
        try:
            wait_for(lambda: not server.sessions(), "nobody should be on air", 20)
        except RuntimeError:
            report.notes.blame(f"still on air: {server.sessions()}")
        # A socket that libsrt has closed goes a second later.
        with suppress(RuntimeError):
            wait_for(lambda: descriptors(worker) <= report.descriptors_before, "descriptors are left", 10)
        report.descriptors_after = descriptors(worker)
        if report.descriptors_after > report.descriptors_before:
            report.left_open = named_descriptors(worker)
        report.same_worker = server.worker_pids() == [worker]
        report.accepted = server.stat()["totals"]["accepted"]
        server.signal(signal.SIGQUIT)
        report.exit_status = server.process.wait(30)
        report.sanitizer = server.reports()
        if f"{worker} exited with code 0" not in server.errors():
            report.sanitizer += f"the worker did not end well: {server.errors()[-2000:]}"
    return report


def descriptors_after_a_caller(server: SrtServer) -> int:
    """Descriptors of a worker that has had its first caller: before, libsrt's thread may still be opening its own."""
    with server.connect(server.encrypted(slug_of(0))):
        wait_for(server.sessions, "the first caller is not on air")
    wait_for(lambda: not server.sessions(), "the first caller is still on air", 20)
    return descriptors_at_rest(server.worker_pid)


def _crowd(server: SrtServer, behind: Upstream, report: Report, seed: int) -> None:
    """Start everybody, look at the worker until the time is over, and wait for everybody."""
    over = threading.Event()
    callers = [Caller(server, number, report.notes, over, seed) for number in range(CALLERS)]
    threads = [threading.Thread(target=caller.run, daemon=True) for caller in callers]
    for thread in threads:
        thread.start()
    worker, began = server.worker_pid, time.monotonic()
    try:
        while (now := time.monotonic() - began) < report.seconds:
            sessions = len(server.sessions())
            report.samples.append(Sample(now, resident_kib(worker), descriptors(worker), sessions))
            _disturb(behind, len(report.samples))
            time.sleep(_SAMPLE_SECONDS)
    finally:
        over.set()
        behind.reading.set()
        for thread in threads:
            thread.join(30)


def _disturb(behind: Upstream, turn: int) -> None:
    """Be the upstream that nobody wants; and forget connections that have ended."""
    ended = [handed for handed in behind.handed if handed.ended.is_set()]
    for handed in ended:
        handed.connection.close()
        behind.handed.remove(handed)
    if turn % _STALL_EVERY == 0:
        behind.reading.clear()
    else:
        behind.reading.set()
    if turn % _HANG_UP_EVERY == 0 and behind.handed:
        _hang_up(behind.handed[0])


def _hang_up(handed: Handed) -> None:
    with suppress(OSError):
        handed.hang_up()
