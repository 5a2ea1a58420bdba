"""What each publisher sends, as nginx-rtmp counts it: an average over its last ten seconds."""

from __future__ import annotations

from typing import Final

from hooks_app.clock import Clock
from hooks_app.stat_page import StatPage

STALE_SECONDS: Final = 10.0
"""What was seen so long ago is not told any more."""


class BitRates:
    """Remembers the reconcile loop's last look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[float, dict[str, int]] = (float("-inf"), {})

    def look(self, page: StatPage) -> None:
        """Take note of every publisher's bit rate."""
        rates = {slug: one.bits_in_per_second for slug, one in page.streams.items() if one.publisher is not None}
        self._seen = (self._clock.monotonic(), rates)

    def of(self, slug: str) -> int | None:
        """Bits a second from the stream's publisher; None where there is none, or nobody has looked of late."""
        at, rates = self._seen
        return rates.get(slug) if self._clock.monotonic() - at < STALE_SECONDS else None
