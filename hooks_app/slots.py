"""One slot per stream: whoever changes a stream's session or encoder holds it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """A lock per slug, so that a hook and the reconcile loop never pull one stream in two directions."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def hold(self, slug: str, seconds: float) -> Iterator[bool]:
        """Hold the stream's slot; yields False where somebody else kept it for `seconds`."""
        with self._guard:
            lock = self._locks.setdefault(slug, threading.Lock())
        held = lock.acquire(timeout=seconds) if seconds > 0 else lock.acquire(blocking=False)
        try:
            yield held
        finally:
            if held:
                lock.release()
