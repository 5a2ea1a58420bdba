"""A bad line between two TUN interfaces, made in this process: for kernels that have no netem.

Every IP packet that one interface is given comes out of the other, late, or never.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from types import TracebackType
from typing import Self

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001


class Link:
    """The line; a context manager that carries packets while it is open, and takes its interfaces away at the end."""

    def __init__(self, names: tuple[str, str], *, loss: float, delay: float, seed: int) -> None:
        self.seen = self.dropped = 0
        self.latest = 0.0
        """Seconds beyond the delay that a packet waited at worst: this process was not let run."""
        self._loss, self._delay, self._chance = loss, delay, random.Random(seed)
        self._ends = tuple(_tun(name) for name in names)
        self._over, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stop)
        self._thread.join()
        for end in (*self._ends, self._over):
            os.close(end)

    def _carry(self) -> None:
        other = dict(zip(self._ends, reversed(self._ends), strict=True))
        on_the_way: list[tuple[float, int, int, bytes]] = []
        while True:
            wait = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
            ready, _, _ = select.select([*self._ends, self._over], [], [], wait)
            if self._over in ready:
                return
            for end in ready:
                packet = os.read(end, 65536)
                self.seen += 1
                if self._chance.random() < self._loss:
                    self.dropped += 1
                else:
                    heapq.heappush(on_the_way, (time.monotonic() + self._delay, self.seen, other[end], packet))
            while on_the_way and on_the_way[0][0] <= time.monotonic():
                due, _, end, packet = heapq.heappop(on_the_way)
                self.latest = max(self.latest, time.monotonic() - due)
                # An interface that is not up yet takes nothing.
                with contextlib.suppress(OSError):
                    os.write(end, packet)


def _tun(name: str) -> int:
    """A new TUN interface of this namespace; it may move to another, the descriptor stays good."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEADER))
    return device
