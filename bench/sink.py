"""A process that reads whatever comes and throws it away: the far end of both contestants of bench/srt.py."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

PIECE = 1 << 20


def drain(listener: socket.socket | None, datagrams: list[socket.socket]) -> None:
    """Read for ever."""
    selector = selectors.DefaultSelector()
    for each in [*([listener] if listener else []), *datagrams]:
        selector.register(each, selectors.EVENT_READ, each)
    while True:
        for key, _ in selector.select():
            ready: socket.socket = key.data
            if ready is listener:
                caller, _ = ready.accept()
                selector.register(caller, selectors.EVENT_READ, caller)
            elif not ready.recv(PIECE) and ready not in datagrams:
                selector.unregister(ready)
                ready.close()


@contextmanager
def _draining(listener: socket.socket | None, datagrams: list[socket.socket]) -> Iterator[None]:
    # A fresh interpreter: libsrt's threads do not outlive a fork.
    process = get_context("spawn").Process(target=drain, args=(listener, datagrams), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


@contextmanager
def stream_sink(path: Path) -> Iterator[None]:
    """Takes connections at a unix socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)
        with _draining(listener, []):
            yield


@contextmanager
def datagram_sinks(count: int) -> Iterator[list[int]]:
    """Takes datagrams; yields the ports."""
    sockets = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    with _draining(None, sockets):
        yield [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
