"""Token buckets by address, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

from hooks_app.clock import Clock

ADDRESSES = 4096


class Buckets:
    """Each address may do `burst` at once and `per_second` after that."""

    def __init__(self, clock: Clock, *, burst: float, per_second: float) -> None:
        self._clock = clock
        self._burst = burst
        self._per_second = per_second
        self._guard = threading.Lock()
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, address: str) -> float:
        """Take one; returns 0, or the seconds until there is one, in which case none was taken."""
        with self._guard:
            wait = self._wait(address)
            if wait <= 0:
                now = self._clock.monotonic()
                self._full_at[address] = max(self._full_at.pop(address, now), now) + 1 / self._per_second
                while len(self._full_at) > ADDRESSES:
                    self._full_at.popitem(last=False)
            return wait

    def _wait(self, address: str) -> float:
        # The bucket as the moment at which it will be full again.
        missing = (self._full_at.get(address, 0.0) - self._clock.monotonic()) * self._per_second
        return max(0.0, (missing - self._burst + 1) / self._per_second)
