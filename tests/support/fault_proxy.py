"""A bad road to an HTTP server: slow, cut off, lying, full; as a test says.

It speaks HTTP on both sides, so that a test can say which request it meets. The signed Host header passes unchanged.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, before it goes on."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @property
    def part(self) -> tuple[str, int] | None:
        """Upload id and number, where it sends a part."""
        if self.method != "PUT" or "partNumber" not in self.query:
            return None
        return self.query["uploadId"][0], int(self.query["partNumber"][0])

    @property
    def completes(self) -> bool:
        """Whether it ends a multipart upload."""
        return self.method == "POST" and "uploadId" in self.query


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is reset after so many bytes of the body."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Say:
    """The server is not asked: this is the answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lose:
    """The server is asked, and its answer lost."""


@dataclass(frozen=True, slots=True)
class Lie:
    """Headers of the answer are others; a body too, if it is given."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


Fault = Cut | Say | Lose | Lie
Expecting = Literal["right", "never", "twice", "final"]


def answer_of_store(status: int, code: str, message: str = "as the test says") -> Say:
    """An error as S3 words it."""
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Say(status, text.encode(), {"Content-Type": "application/xml"})


class FaultProxy:
    """The road. Its attributes may change at any time."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.rule: Callable[[Asked], Fault | None] = lambda asked: None
        self.bytes_per_second = 0.0
        """Of request bodies, each connection for itself; 0: as fast as it goes."""
        self.reset_chance = 0.0
        """That a connection breaks at any 64 KiB of a body, either way."""
        self.expecting: Expecting = "right"
        """How it treats Expect: 100-continue: never answers it, answers twice, or refuses with a final 503."""
        self.chance = random.Random(7)
        self.asked: list[Asked] = []
        self.taken: list[tuple[str, int]] = []
        """Parts whose body went on to the server to its end."""
        self.port = 0

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def breaks(self) -> bool:
        """Whether the connection breaks here."""
        return self.chance.random() < self.reset_chance


class _CutOffError(Exception):
    """The connection is to be reset."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def handle_expect_100(self) -> bool:
        if self.proxy.expecting == "final":
            self.close_connection = True
            self._answer(answer_of_store(503, "SlowDown"))
            return False
        for _ in range({"right": 1, "never": 0, "twice": 2}[self.proxy.expecting]):
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _serve(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        asked = Asked(self.command, url.path, query, {name.lower(): text for name, text in self.headers.items()})
        self.proxy.asked.append(asked)
        try:
            self._pass(asked, self.proxy.rule(asked))
        except (_CutOffError, OSError, http.client.HTTPException):
            self._reset()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 (the names are the base's)

    def _pass(self, asked: Asked, fault: Fault | None) -> None:
        left = int(self.headers.get("Content-Length") or 0)
        if isinstance(fault, Say):
            while left:
                left -= len(self.rfile.read(min(left, CHUNK_BYTES)))
            self._answer(fault)
            return
        with contextlib.closing(http.client.HTTPConnection(*self.proxy.target, timeout=120)) as server:
            server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, text in self.headers.items():
                if name.lower() not in {"expect", "connection"}:
                    server.putheader(name, text)
            server.endheaders()
            self._body(server, left, fault)
            if asked.part is not None:
                self.proxy.taken.append(asked.part)
            answer = server.getresponse()
            if isinstance(fault, Lose):
                answer.read()
                raise _CutOffError
            self._back(answer, fault)

    def _body(self, server: http.client.HTTPConnection, left: int, fault: Fault | None) -> None:
        passed = 0
        while left:
            if (isinstance(fault, Cut) and passed >= fault.after_bytes) or self.proxy.breaks():
                raise _CutOffError
            rate = self.proxy.bytes_per_second
            data = self.rfile.read(min(left, int(rate / 10) or 1 if rate else CHUNK_BYTES))
            if not data:
                raise _CutOffError
            if rate:
                time.sleep(len(data) / rate)
            server.send(data)
            left -= len(data)
            passed += len(data)
        if isinstance(fault, Cut):
            raise _CutOffError

    def _back(self, answer: http.client.HTTPResponse, fault: Fault | None) -> None:
        lie = fault if isinstance(fault, Lie) else Lie()
        whole = lie.body
        length = answer.getheader("Content-Length")
        if whole is None and length is None and self.command != "HEAD":
            whole = answer.read()
        self.send_response_only(answer.status)
        changed = {name.lower(): text for name, text in lie.headers.items()}
        for name, text in answer.getheaders():
            if name.lower() not in {*changed, "content-length", "transfer-encoding", "connection"}:
                self.send_header(name, text)
        for name, text in lie.headers.items():
            self.send_header(name, text)
        if "content-length" not in changed:
            self.send_header("Content-Length", str(len(whole)) if whole is not None else length or "0")
        self.end_headers()
        if self.command == "HEAD":
            return
        if whole is not None:
            self.wfile.write(whole)
            return
        while data := answer.read(CHUNK_BYTES):
            if self.proxy.breaks():
                raise _CutOffError
            self.wfile.write(data)

    def _answer(self, said: Say) -> None:
        self.send_response_only(said.status)
        for name, text in {**said.headers, "Content-Length": str(len(said.body))}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.body)

    def _reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            # Lingering for no time at all: the other side gets a reset, not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Nothing: a request's line may hold a signature."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def shutdown_request(self, request: object) -> None:
        """A reset must stay one: the base's polite end comes only where the connection is still whole."""
        with contextlib.suppress(OSError):
            super().shutdown_request(request)  # type: ignore[arg-type]


@contextmanager
def fault_proxy(host: str, port: int) -> Iterator[FaultProxy]:
    """A road to that server, while it is open."""
    proxy = FaultProxy(host, port)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    with _Server(("127.0.0.1", 0), handler) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
