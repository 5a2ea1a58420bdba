"""A limit that holds whatever a connection waits for: a name, a handshake, a peer that sends a byte now and then."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any, Self


class Deadline:
    """So many seconds from now. As a context manager it cuts, when they are over, the sockets that it watches."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @property
    def left_seconds(self) -> float:
        """Until the end; 0 after it."""
        return max(0.0, self.end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left_seconds == 0

    def watch(self, made: socket.socket) -> None:
        """Cut this socket too. TLS takes the descriptor out of a socket that it wraps: a copy of it is kept."""
        copy = made.dup()
        with self._lock:
            self._watched.append(copy)
            if self.is_over:
                _cut(copy)

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.left_seconds, self._cut_all)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            for one in self._watched:
                one.close()
            self._watched.clear()

    def _cut_all(self) -> None:
        with self._lock:
            for one in self._watched:
                _cut(one)


def resolve(host: str, port: int, deadline: Deadline) -> list[Any]:
    """What getaddrinfo(3) says, which takes no limit of its own. Raises OSError, UnicodeError, TimeoutError."""
    done: list[list[Any] | Exception] = []

    def ask() -> None:
        try:
            done.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            done.append(error)

    # Left behind when it is late; the resolver gives up by itself.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(deadline.left_seconds)
    if not done:
        raise TimeoutError
    (answer,) = done
    if isinstance(answer, Exception):
        raise answer
    return answer


def _cut(one: socket.socket) -> None:
    # It reaches the connection itself, whoever else has a descriptor of it.
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
