"""The object store's address, for nginx: it asks once, when it starts, and a store's addresses change by the minute."""

from __future__ import annotations

import socket
import threading
from typing import Final

import structlog

from hooks_app.clock import Clock

KEPT_SECONDS: Final = 30.0
NOBODY: Final = "127.0.0.1:1"
"""Refuses at once: what nginx has in its cache is given all the same."""

log = structlog.get_logger(__name__)


class StoreAddress:
    """Asks the host's own resolver, now and then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], tuple[str, float]] = {}

    def of(self, host: str, port: int) -> str:
        """Address and port as nginx has them. The last one that was known while the resolver knows none."""
        key, now = (host, port), self._clock.monotonic()
        with self._lock:
            address, until = self._known.get(key, (NOBODY, 0.0))
            if now < until:
                return address
            # Whoever asks meanwhile has the old one, and does not wait with this one for a resolver that is slow.
            self._known[key] = (address, now + KEPT_SECONDS)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            log.warning("the store's name is not known", host=host, error=str(error))
            return address
        family, *_, where = found[0]
        address = f"[{where[0]}]:{port}" if family == socket.AF_INET6 else f"{where[0]}:{port}"
        with self._lock:
            self._known[key] = (address, now + KEPT_SECONDS)
        return address
