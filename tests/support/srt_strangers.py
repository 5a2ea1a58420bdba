"""Crowds of strangers at an SRT listener, on loopback, and an honest caller who must not notice them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.srt_handshake import Stranger
from tests.support.srt_mutations import Mutations

# Loopback has sixteen million addresses; 127.0.0.1 is left to honest callers.
FEW = tuple(f"127.0.0.{number}" for number in range(2, 10))
# More than a site has encoders.
MANY = tuple(f"127.0.1.{number}" for number in range(1, 121))

# libsrt makes a new cookie every minute, and takes the last one too.
_COOKIE_SECONDS = 30

# A socket that libsrt has closed goes a second later.
_AT_REST_SECONDS = 2

# How many packets of one address go out at once.
_BURST = 5


def flood(
    port: int,
    count: int,
    *,
    seed: int,
    known: Sequence[bytes],
    sources: Sequence[str] = FEW,
    per_second: int | None = None,
) -> float:
    """Send so many malformed packets; returns the seconds that it took.

    Without `per_second` as fast as this process can.
    """
    with ExitStack() as stack:
        strangers = [stack.enter_context(Stranger(port, source=address)) for address in sources]
        cookies = {stranger: stranger.cookie() for stranger in strangers}
        mutations, began, fresh = Mutations(seed, known), time.monotonic(), time.monotonic()
        for sent in range(0, count, _BURST):
            stranger = strangers[sent // _BURST % len(strangers)]
            for _ in range(min(_BURST, count - sent)):
                stranger.send(mutations.packet(cookies[stranger]))
            stranger.drain()
            if per_second:
                time.sleep(max(0.0, began + sent / per_second - time.monotonic()))
                if time.monotonic() - fresh > _COOKIE_SECONDS:
                    cookies, fresh = {one: one.cookie() for one in strangers}, time.monotonic()
        return time.monotonic() - began


@dataclass
class Waits:
    """Seconds that honest callers waited until they were admitted, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """0 if nobody called."""
        return max(self.seconds, default=0.0)


@contextmanager
def honest_callers(call: Callable[[int], None], pause: float = 0.3) -> Iterator[Waits]:
    """Let one caller after the other in, in a thread; `call` gets its number, admits it, and hangs up again."""
    waits, over = Waits(), threading.Event()

    def keep_calling() -> None:
        number = 0
        while not over.is_set():
            began = time.monotonic()
            try:
                call(number)
            except Exception as error:
                # Whatever it was: the test has to end with it, not this thread.
                waits.failures.append(f"{type(error).__name__}: {error}")
            else:
                waits.seconds.append(time.monotonic() - began)
            number += 1
            over.wait(pause)

    thread = threading.Thread(target=keep_calling, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join(20)


def resident_kib(pid: int) -> int:
    """Memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


def descriptors(pid: int) -> int:
    """Open descriptors of a process."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def descriptors_at_rest(pid: int) -> int:
    """Open descriptors once their number stands still: a worker answers before libsrt's thread has opened its own."""
    count, since = descriptors(pid), time.monotonic()
    while time.monotonic() - since < _AT_REST_SECONDS:
        time.sleep(0.1)
        if (now := descriptors(pid)) != count:
            count, since = now, time.monotonic()
    return count


def named_descriptors(pid: int) -> list[str]:
    """What each open descriptor of a process is, sockets with their line of the kernel's tables."""
    tables = [Path(f"/proc/{pid}/net/{kind}").read_text().splitlines() for kind in ("tcp", "udp", "unix")]
    named = []
    for link in sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda link: int(link.name)):
        with suppress(OSError):
            target = os.readlink(link)
            inode = target.removeprefix("socket:[").rstrip("]")
            lines = [line for table in tables for line in table if inode in line.split()]
            named.append(" ".join([link.name, target, *lines]))
    return named
