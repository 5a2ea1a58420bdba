"""Whoever tries tokens that are none is told to come back later."""

from __future__ import annotations

import math

from fastapi import HTTPException

from hooks_app.api.buckets import Buckets
from hooks_app.clock import Clock

FREE_ATTEMPTS = 10
PER_SECOND = 1 / 6
"""Ten a minute."""


class Attempts:
    """Counts wrong tokens by address."""

    def __init__(self, clock: Clock) -> None:
        self._buckets = Buckets(clock, burst=FREE_ATTEMPTS, per_second=PER_SECOND)

    def failed(self, address: str) -> None:
        """A token was none: 429 for an address that has tried too often. A good one is never asked of this."""
        wait = self._buckets.take(address)
        if wait > 0:
            raise HTTPException(429, "Too many wrong tokens.", {"Retry-After": str(math.ceil(wait))})
