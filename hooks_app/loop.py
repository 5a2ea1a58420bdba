"""A thread that does one thing again and again, and can be asked whether it still does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from hooks_app.clock import Clock

log = structlog.get_logger(__name__)


class Loop:
    """Calls `step` until stopped; `step` returns the seconds to wait. An exception is logged and costs one round."""

    def __init__(self, name: str, step: Callable[[], float], clock: Clock, retry_seconds: float = 1.0) -> None:
        self._name = name
        self._step = step
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._stop = threading.Event()
        self._done_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the round that is running, and end."""
        self._stop.set()
        self._thread.join(timeout=10)

    def age_seconds(self) -> float:
        """Seconds since the last round that went well; infinite before the first."""
        return float("inf") if self._done_at is None else self._clock.monotonic() - self._done_at

    def _run(self) -> None:
        wait = 0.0
        while not self._stop.wait(wait):
            try:
                wait = self._step()
                self._done_at = self._clock.monotonic()
            except Exception:
                log.exception("round failed", loop=self._name)
                wait = self._retry_seconds
