"""Does the built server send its small answers at once? Asked of the kernel, not of a clock."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ingest_nginx import running_ingest
from tests.support.nginx_build import built_nginx

# The build alone takes most of a minute when the cache is cold.
pytestmark = pytest.mark.host

# From asm-generic/unistd.h: Python has no name for it.
PIDFD_GETFD = 438


def sockets_of(pid: int) -> Iterator[socket.socket]:
    """Another process's sockets, as duplicates of our own (pidfd_getfd(2))."""
    pidfd = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if os.readlink(entry).startswith("socket:"):
                copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, int(entry.name), 0)
                assert copy >= 0, os.strerror(ctypes.get_errno())
                with socket.socket(fileno=copy) as found:
                    yield found
    finally:
        os.close(pidfd)


def test_a_connection_does_not_wait_for_acknowledgements() -> None:
    with running_ingest(built_nginx()) as ingest, ingest.client() as client:
        (worker,) = ingest.worker_pids()
        mine = client.socket.getsockname()
        options = [
            found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for found in sockets_of(worker)
            if found.family == socket.AF_INET and not is_listening(found) and found.getpeername() == mine
        ]
    assert options == [1]


def is_listening(found: socket.socket) -> bool:
    """Whether a socket waits for connections, and so has no peer."""
    return found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
