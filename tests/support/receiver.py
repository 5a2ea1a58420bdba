"""A receiver of announcements: a real HTTP server on loopback that answers as it is told and keeps what it got."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Got:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    """On the monotonic clock."""

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def title(self) -> str:
        """Of the embed, or of the webhook's text."""
        said = self.json
        return str(said["embeds"][0]["title"] if "embeds" in said else said["text"]["title"])


Answer = tuple[int, dict[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]
"""Status, headers, body; or what is done instead of an answer."""


@dataclass
class Receiver:
    """Answers with what is queued, then like Discord: 200 and the number of a post."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    always: Answer | None = None
    numbers: int = 1_000_000_000_000_000_000

    @property
    def url(self) -> str:
        """Of a webhook."""
        return f"http://127.0.0.1:{self.port}/api/webhooks/1/SECRET-OF-THE-URL"

    @property
    def titles(self) -> list[str]:
        """What was posted, in order."""
        return [one.title for one in self.got]

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Keep a request and answer it."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.got.append(Got(handler.command, handler.path, headers, body, time.monotonic()))
        said = self.answers.popleft() if self.answers else self.always
        if callable(said):
            said(handler)
            return
        if said is None:
            self.numbers += 1
            said = (200, {"Content-Type": "application/json"}, json.dumps({"id": str(self.numbers)}).encode())
        status, more, content = said
        handler.send_response(status)
        for name, value in more.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.close()


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing until the other side has gone."""
    handler.close_connection = True
    handler.connection.settimeout(30)
    handler.rfile.read(1)


def answer_and_reset(handler: BaseHTTPRequestHandler) -> None:
    """204, and then the connection is reset (SO_LINGER with 0 seconds: socket(7))."""
    handler.close_connection = True
    handler.connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            # Whoever was killed in the middle of a request has said nothing.
            if len(body) == length:
                receiver.answer(self, body)

        do_POST = do_PATCH = do_DELETE = do_GET = do  # noqa: N815

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            """A client that went, or one that was hung up on."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
