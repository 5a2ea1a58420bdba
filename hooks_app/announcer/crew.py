"""The announcer's processes: one that looks, several that send, and the one that keeps them.

Each message is on its way in one process of its own kind, so that whatever kills a process has one message in doubt.
The keeper has no database and no thread: a process that is forked from it starts clean, and in no time.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog

BEAT = struct.Struct("d")
log = structlog.get_logger(__name__)
AGAIN_SECONDS = 0.2
"""A process that ends at once is not forked again at once."""


@dataclass(slots=True)
class Post:
    """What a process of the crew has in common with the others."""

    number: int
    keeper: int
    """Process id of the keeper: without it nobody goes on."""
    beats: mmap.mmap
    bell: int
    """An eventfd that counts what there is to do (eventfd(2), EFD_SEMAPHORE)."""
    before: int | None = None
    """Process id of whoever had this post and died."""
    over: bool = False

    @property
    def is_over(self) -> bool:
        """Whether to end after what is being done."""
        return self.over or os.getppid() != self.keeper

    def beat(self) -> None:
        """Prove that this process turns."""
        BEAT.pack_into(self.beats, self.number * BEAT.size, time.monotonic())

    def ring(self, count: int) -> None:
        """Call so many of those who wait."""
        if count > 0:
            os.eventfd_write(self.bell, count)

    def wait(self, seconds: float) -> None:
        """Until somebody rings, or for so long."""
        if select.select([self.bell], [], [], seconds)[0]:
            try:
                os.eventfd_read(self.bell)
            except BlockingIOError:
                # Another one was called for it.
                return


Job = Callable[[Post], None]


@dataclass(slots=True)
class Crew:
    """Forks a process for each job, and forks it again whenever it ends."""

    jobs: Sequence[Job]
    patience_seconds: float
    """Whoever has not beaten for so long is killed."""
    stop_seconds: float
    """How long what is being done may take at the end."""
    _pids: dict[int, int] = field(default_factory=dict, init=False)
    _over: bool = field(default=False, init=False)
    _beats: mmap.mmap = field(init=False)
    _bell: int = field(init=False)

    def __post_init__(self) -> None:
        self._beats = mmap.mmap(-1, mmap.PAGESIZE)
        self._bell = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes, in the order of the jobs."""
        by_number = {number: pid for pid, number in self._pids.items()}
        return tuple(by_number[number] for number in sorted(by_number))

    def run(self, turn: Callable[[bool], None], turn_seconds: float = 0.2) -> None:
        """Until SIGTERM. `turn` is told, again and again, whether every process has beaten."""
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, self._end)
        for number in range(len(self.jobs)):
            self._fork(number, None)
        while not self._over:
            self._reap()
            self._kill_the_stuck()
            turn(all(self._beat_of(number) > 0 for number in range(len(self.jobs))))
            time.sleep(turn_seconds)
        self._stop()

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._over = True

    def _fork(self, number: int, before: int | None) -> None:
        BEAT.pack_into(self._beats, number * BEAT.size, 0.0)
        post = Post(number=number, keeper=os.getpid(), beats=self._beats, bell=self._bell, before=before)
        pid = os.fork()
        if pid > 0:
            self._pids[pid] = number
            BEAT.pack_into(self._beats, (len(self.jobs) + number) * BEAT.size, time.monotonic())
            return
        code = 1
        try:
            signal.signal(signal.SIGTERM, lambda _number, _frame: setattr(post, "over", True))
            # A terminal's Ctrl-C reaches everybody; the keeper says when.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.jobs[number](post)
            code = 0
        except Exception:
            log.exception("process failed", post=number)
        finally:
            # Nothing of the keeper's is cleaned up here.
            os._exit(code)

    def _reap(self) -> None:
        while self._pids:
            pid, _status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number = self._pids.pop(pid, None)
            if number is not None and not self._over:
                born = BEAT.unpack_from(self._beats, (len(self.jobs) + number) * BEAT.size)[0]
                time.sleep(max(0.0, AGAIN_SECONDS - (time.monotonic() - born)))
                self._fork(number, pid)

    def _kill_the_stuck(self) -> None:
        now = time.monotonic()
        for pid, number in list(self._pids.items()):
            born = BEAT.unpack_from(self._beats, (len(self.jobs) + number) * BEAT.size)[0]
            if now - max(self._beat_of(number), born) > self.patience_seconds:
                os.kill(pid, signal.SIGKILL)

    def _beat_of(self, number: int) -> float:
        return float(BEAT.unpack_from(self._beats, number * BEAT.size)[0])

    def _stop(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + self.stop_seconds
        while self._pids and time.monotonic() < end:
            self._reap()
            time.sleep(0.02)
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
