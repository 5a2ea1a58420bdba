"""Carries FFmpeg's RTMP connection to the ingest's unix socket: FFmpeg speaks RTMP over TCP only.

The listener is on loopback, of a network namespace that holds nothing but this process and its child. All the same it
takes one connection, and only from the child: whoever publishes here is whoever nginx@srt admitted.
"""

from __future__ import annotations

import os
import select
import socket

BUFFER_BYTES = 1 << 16

PUBLISH_STARTED = b"NetStream.Publish.Start"
"""What nginx-rtmp says when the hook app has let the publisher in."""

REFUSAL_BYTES = 1 << 14
"""The answer to a publish comes within so many bytes; later ones are not searched."""


def listener() -> socket.socket:
    """A listener on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=1)


def accept_from(listening: socket.socket, pid: int) -> socket.socket | None:
    """Take the connection that waits; None, and it is closed, if it is not the process `pid` that made it."""
    connection, address = listening.accept()
    if _owns(pid, address[1]):
        return connection
    connection.close()
    return None


def _owns(pid: int, port: int) -> bool:
    """Whether the socket bound to a local port of loopback is one of a process's open files (proc(5), net/tcp)."""
    with open("/proc/self/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if int(row[1].rpartition(":")[2], 16) == port}
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        try:
            if os.readlink(f"{folder}/{name}") in inodes:
                return True
        except FileNotFoundError:
            continue
    return False


class Bridge:
    """Two connected sockets, and what is on its way between them: at most one buffer in each direction."""

    def __init__(self, child: socket.socket, ingest: socket.socket) -> None:
        self.is_published = False
        """Whether the ingest has let the publisher in."""
        self.child_ended = False
        self.ingest_ended = False
        self._child, self._ingest = child, ingest
        self._to_ingest = self._to_child = b""
        self._answers = b""
        child.setblocking(False)
        ingest.setblocking(False)
        child.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to carry."""
        return self.ingest_ended or (self.child_ended and not self._to_ingest)

    def interests(self) -> list[tuple[socket.socket, int]]:
        """What to poll for: a side is read only while nothing of it waits to be written."""
        child = 0 if self._to_ingest or self.child_ended else select.POLLIN
        ingest = 0 if self._to_child else select.POLLIN
        return [
            (self._child, child | (select.POLLOUT if self._to_child else 0)),
            (self._ingest, ingest | (select.POLLOUT if self._to_ingest else 0)),
        ]

    def carry(self) -> None:
        """Move what can be moved without waiting."""
        if not self._to_ingest and not self.child_ended:
            data = _receive(self._child)
            self.child_ended = data == b""
            self._to_ingest = data or b""
        if not self._to_child and not self.ingest_ended:
            data = _receive(self._ingest)
            self.ingest_ended = data == b""
            self._to_child = data or b""
            self._listen_for_answer(self._to_child)
        self._to_ingest = self._send(self._ingest, self._to_ingest)
        self._to_child = self._send(self._child, self._to_child)

    def close(self) -> None:
        """Hang up on both sides."""
        self._child.close()
        self._ingest.close()

    def _send(self, to: socket.socket, data: bytes) -> bytes:
        """What is left of it."""
        if not data:
            return b""
        try:
            return data[to.send(data) :]
        except BlockingIOError:
            return data
        except OSError:
            if to is self._ingest:
                self.ingest_ended = True
            else:
                self.child_ended = True
            return b""

    def _listen_for_answer(self, data: bytes) -> None:
        if not self.is_published and len(self._answers) < REFUSAL_BYTES:
            self._answers += data
            self.is_published = PUBLISH_STARTED in self._answers


def _receive(side: socket.socket) -> bytes | None:
    """What is there: None if nothing is, b"" at the end."""
    try:
        return side.recv(BUFFER_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""
