"""For how long a publisher has sent nothing."""

from __future__ import annotations

import threading

from hooks_app.clock import Clock
from hooks_app.memory import Since
from hooks_app.stat_page import StatPage


class Silence:
    """Watches the byte counts of the stat page; the hooks and the reconcile loop both look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = Since()
        self._guard = threading.Lock()

    def look(self, page: StatPage) -> None:
        """Take note of every publisher's byte count."""
        now = self._clock.monotonic()
        with self._guard:
            for slug, streaming in page.streams.items():
                self._since.seconds(slug, (streaming.publisher, streaming.bytes_in), now)

    def seconds(self, slug: str, page: StatPage) -> float:
        """How long the stream's publisher has sent nothing, as far as is known."""
        streaming = page.of(slug)
        with self._guard:
            return self._since.seconds(slug, (streaming.publisher, streaming.bytes_in), self._clock.monotonic())
