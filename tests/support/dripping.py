"""A peer that is never silent for long and never done: it says what it says a byte at a time."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

Talk = Callable[[socket.socket, Callable[[bytes], None]], None]
"""What a peer does with a connection; what it is given drips bytes into it, without end."""


@contextmanager
def dripping(talk: Talk, *, pause: float = 0.1, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on loopback that takes one connection; its port."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)

            def drip(said: bytes) -> None:
                for one in said * 10_000:
                    connection.sendall(bytes([one]))
                    if over.wait(pause):
                        return

            with closing(connection):
                talk(connection, drip)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    over.set()
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


def certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    path = folder / "peer.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path)]
    made = subprocess.run([*argv, "-out", "-"], check=True, capture_output=True, text=True).stdout
    path.write_text(path.read_text() + made)
    return path
