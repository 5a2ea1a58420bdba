"""A server that stands for an object store: one bucket, parts on request, and a store's own words around them."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

QUERY = "X-Amz-Credential=A%2F20260301%2Fus-east-1&X-Amz-Signature=5ca1ab1e"
OWN_WORDS = {
    "Server": "AmazonS3",
    "Set-Cookie": "session=1",
    "Content-Type": "binary/octet-stream",
    "Content-Disposition": "attachment",
    "Cache-Control": "no-store",
    "ETag": '"5ca1ab1e-3"',
    "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT",
    "X-Trans-Id": "tx1",
    "X-Openstack-Request-Id": "tx1",
    "X-Timestamp": "1",
    "X-Accel-Redirect": "/healthz",
    "x-amz-id-2": "a",
    "x-amz-request-id": "a",
    "x-amz-version-id": "a",
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-central-1:1:key/1",
    "x-amz-object-lock-mode": "COMPLIANCE",
    "x-amz-object-lock-retain-until-date": "2027-01-01T00:00:00Z",
    "x-amz-meta-kind": "video",
    "x-amz-meta-recording": "1",
    "x-amz-meta-sha256": "ab",
    "x-amz-meta-started-at": "2026-03-01T12:00:00Z",
    "x-amz-meta-stream": "demo",
    "x-amz-mp-parts-count": "3",
}


@dataclass
class Store:
    """Gives objects of one bucket to who has signed for it, in parts if asked."""

    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refuses: bool = False
    gives_parts: bool = True
    mislabels_parts: bool = False
    """200 for 206, as rclone has it."""
    breaks_after: int | None = None
    """Bytes of each answer after which the connection ends."""
    slow_seconds: float = 0.0
    port: int = 0
    stop: Callable[[], object] = lambda: None
    """From now on nobody listens there."""

    @contextmanager
    def serving(self, certificate: Path | None = None) -> Iterator[Store]:
        """On a free port, until the end of the block or `stop`."""
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                store.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
                time.sleep(store.slow_seconds)
                self.send(*self.answer())

            def answer(self) -> tuple[int, bytes, str | None]:
                """Status, body and which part it is."""
                parts = urlsplit(self.path)
                data = store.objects.get(parts.path)
                if store.refuses or parts.query != QUERY:
                    return 403, b"<Error><BucketName>live-recordings</BucketName></Error>", None
                if data is None:
                    return 404, b"<Error><Key>recordings/demo</Key></Error>", None
                wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                if wanted is None or not store.gives_parts:
                    return 200, data, None
                first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
                if first >= len(data):
                    return 416, b"<Error><Key>recordings/demo</Key></Error>", None
                return (
                    200 if store.mislabels_parts else 206,
                    data[first : last + 1],
                    f"bytes {first}-{last}/{len(data)}",
                )

            def send(self, status: int, body: bytes, part: str | None) -> None:
                self.send_response_only(status)
                for name, text in OWN_WORDS.items():
                    self.send_header(name, text)
                if part:
                    self.send_header("Content-Range", part)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body[: store.breaks_after])
                self.close_connection = store.breaks_after is not None

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6
            daemon_threads = True
            block_on_close = False

            def server_bind(self) -> None:
                # localhost is one of two addresses.
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                super().server_bind()

        with Server(("::", 0), Handler) as server:
            self.port = server.server_address[1]
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            self.stop = lambda: (server.shutdown(), server.server_close())
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield self
            self.stop()
