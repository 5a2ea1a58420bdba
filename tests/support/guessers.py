"""Strangers who try wrong keys at a steady rate, and do not wait for the answer."""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from tests.support.rtmp import COMMAND, RtmpClient, command

THREADS = 20
PATIENCE_SECONDS = 3.0
"""How long each stays for its answer: longer than nginx waits for a hook."""


class Guessers:
    """A context manager: while it is open, `per_second` publish attempts a second arrive from one address."""

    def __init__(self, port: int, name: str, per_second: float) -> None:
        self._port = port
        self._name = name
        self._pause = THREADS / per_second
        self._over = threading.Event()
        self._sent: deque[float] = deque()
        self._threads = [threading.Thread(target=self._guess, daemon=True) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for number, thread in enumerate(self._threads):
            # One after the other, not all in the same moment.
            time.sleep(self._pause / THREADS if number else 0)
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)

    def rate(self, seconds: float) -> float:
        """Attempts a second over the last `seconds`; only those whose whole request was sent count."""
        now = time.monotonic()
        return sum(1 for at in tuple(self._sent) if now - at <= seconds) / seconds

    def _guess(self) -> None:
        waiting: deque[tuple[float, RtmpClient]] = deque()
        due = time.monotonic()
        while not self._over.is_set():
            try:
                client = RtmpClient(self._port)
                waiting.append((time.monotonic(), client))
                client.handshake()
                client.send(COMMAND, command("connect", 1, {"app": "live", "tcUrl": "rtmp://127.0.0.1/live"}))
                client.send(COMMAND, command("createStream", 2, None))
                client.send(COMMAND, command("publish", 0, None, self._name, "live"), msid=1)
                self._sent.append(time.monotonic())
            except OSError:
                pass
            while waiting and time.monotonic() - waiting[0][0] > PATIENCE_SECONDS:
                waiting.popleft()[1].close()
            due += self._pause
            self._over.wait(max(0.0, due - time.monotonic()))
        for _, client in waiting:
            client.close()
