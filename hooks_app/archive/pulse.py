"""Whether a thread that has the store on the line still gets on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE_SECONDS = 900.0
"""One answer of the store, with every attempt for it, takes no longer; nor does a block of bytes on a bad line."""


@dataclass(slots=True)
class Pulse:
    """Beaten whenever bytes move or an answer came, on any thread; never by who only waits."""

    now: Callable[[], float] = time.monotonic
    _beaten_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.beat()

    def beat(self) -> None:
        """It gets on."""
        self._beaten_at = self.now()

    def beats(self) -> bool:
        """Whether it has of late."""
        return self.now() - self._beaten_at < PATIENCE_SECONDS
