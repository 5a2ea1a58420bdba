"""A thread that does one thing again and again, and can be asked whether it still does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hooks_app.clock import Clock
from hooks_app.database import reason_of

SAY_AGAIN_SECONDS = 60.0
"""How often the same fault is said: a full disk must not be filled with the news of it."""

log = structlog.get_logger(__name__)


class Loop:
    """Calls `step` until stopped; `step` returns the seconds to wait. An exception is logged and costs one round.

    What a disk or a database may say is a line, with a traceback is what nobody expects.
    """

    def __init__(self, name: str, step: Callable[[], float], clock: Clock, retry_seconds: float = 1.0) -> None:
        self._name = name
        self._step = step
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._stop = False
        self._wake = threading.Event()
        self._started_at: float | None = None
        self._done_at: float | None = None
        self._said: tuple[str, float] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._started_at = self._clock.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Finish the round that is running, and end."""
        self._stop = True
        self._wake.set()
        self._thread.join(timeout=10)

    def nudge(self) -> None:
        """Do not wait for the next round."""
        self._wake.set()

    def age_seconds(self) -> float:
        """Seconds since the last round that went well; infinite before the first."""
        return float("inf") if self._done_at is None else self._clock.monotonic() - self._done_at

    def silent_seconds(self) -> float:
        """Likewise, but since the start before the first; 0 before that."""
        since = self._done_at if self._done_at is not None else self._started_at
        return 0.0 if since is None else self._clock.monotonic() - since

    def _run(self) -> None:
        while not self._stop:
            self._wake.clear()
            try:
                wait = self._step()
                self._done_at = self._clock.monotonic()
                if self._said is not None:
                    self._said = None
                    log.info("rounds go well again", loop=self._name)
            except (SQLAlchemyError, OSError) as error:
                self._say(reason_of(error) if isinstance(error, SQLAlchemyError) else str(error))
                wait = self._retry_seconds
            except Exception:
                log.exception("round failed", loop=self._name)
                wait = self._retry_seconds
            self._wake.wait(wait)

    def _say(self, reason: str) -> None:
        now = self._clock.monotonic()
        if self._said is None or self._said[0] != reason or now - self._said[1] >= SAY_AGAIN_SECONDS:
            self._said = (reason, now)
            log.error("round failed", loop=self._name, error=reason)
