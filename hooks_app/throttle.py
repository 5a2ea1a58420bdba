"""Who is refused again and again, for good or for now, waits for the answer, and does not fill the journal.

A wrong key locks nobody out: the right one is let in at once, from whichever address.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from hooks_app.clock import Clock

WINDOW_SECONDS = 60.0
FREE_REFUSALS = 10
"""So many refusals of one address a window are answered at once and logged one by one."""
DELAY_SECONDS = 1.0
"""What each one after that waits: nginx gives up on a hook after two."""
ADDRESSES = 1024
"""How many addresses are remembered; the one that was refused longest ago is forgotten."""
WAITING = 200
"""How many may wait at a time; an answer beyond that costs nothing but itself."""
LINES = 120
"""Log lines a window, over all addresses."""
_MARKS = frozenset(10**power for power in range(2, 10))


@dataclass(slots=True)
class _Count:
    began: float
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How to answer a refusal."""

    delay_seconds: float
    refusals: int
    """Of this address in its window, this one included."""
    tell: bool
    """Whether to log it."""


class Throttle:
    """Counts refusals by address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lines = _Count(began=clock.monotonic())
        self._waiting = 0

    def refused(self, address: str) -> Verdict:
        """Take note of a refusal."""
        now = self._clock.monotonic()
        with self._guard:
            count = self._counts.pop(address, None)
            if count is None or now - count.began >= WINDOW_SECONDS:
                count = _Count(began=now)
            count.refusals += 1
            self._counts[address] = count
            while len(self._counts) > ADDRESSES:
                self._counts.popitem(last=False)
            is_many = count.refusals > FREE_REFUSALS
            tell = (not is_many or count.refusals in _MARKS) and self._has_line(now)
            delay = DELAY_SECONDS if is_many and self._waiting < WAITING else 0.0
            return Verdict(delay, count.refusals, tell)

    def enter(self) -> None:
        """Somebody begins to wait."""
        with self._guard:
            self._waiting += 1

    def leave(self) -> None:
        """Somebody has waited."""
        with self._guard:
            self._waiting -= 1

    def _has_line(self, now: float) -> bool:
        if now - self._lines.began >= WINDOW_SECONDS:
            self._lines = _Count(began=now)
        self._lines.refusals += 1
        return self._lines.refusals <= LINES
