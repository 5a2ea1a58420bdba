"""How fast uploads go: one bucket of tokens for all that are on their way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BURST_SECONDS = 0.1
"""What was not used in this time is lost; more would be a burst that the line notices."""


class Throttle:
    """Lets bytes through at a rate, however many threads send. A rate of 0 lets everything through."""

    def __init__(
        self,
        bytes_per_second: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._now, self._sleep = now, sleep
        self._guard = threading.Lock()
        self._free_at = 0.0
        """When all that was let through so far will have gone out at the rate."""

    def take(self, count: int) -> None:
        """Wait until so many bytes may go."""
        if self._rate <= 0 or count <= 0:
            return
        with self._guard:
            now = self._now()
            begin = max(self._free_at, now - BURST_SECONDS)
            self._free_at = begin + count / self._rate
            wait = self._free_at - now
        if wait > 0:
            self._sleep(wait)
