"""What stands behind an SRT server in tests: a unix socket that takes callers' bytes as fast as it is told."""

from __future__ import annotations

import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.continuity import Continuity

PREAMBLE = re.compile(
    rb"HEADEND-SRT/1 slug=(?P<slug>[a-z0-9][a-z0-9-]{0,39}) key=(?P<key>[A-Za-z0-9]{1,16})"
    rb" mode=(?P<mode>encrypted|signed) nonce=(?P<nonce>-|[A-Za-z0-9_-]{8,32})"
    rb" peer=(?P<peer>[0-9.]+:\d+|\[[0-9a-f:]+\]:\d+)\n"
)


@dataclass
class Handed:
    """One caller as the upstream has it."""

    connection: socket.socket
    fields: dict[str, str] = field(default_factory=dict)
    """Of the first line: slug, key, mode, nonce, peer."""
    size: int = 0
    """Bytes after that line."""
    data: bytearray = field(default_factory=bytearray)
    """The first of them."""
    stream: Continuity = field(default_factory=Continuity)
    line: bytes = b""
    ended: threading.Event = field(default_factory=threading.Event)
    stuck: threading.Event = field(default_factory=threading.Event)
    """While it is set, nothing more of this one is read."""

    def hang_up(self) -> None:
        """Close the connection from this side."""
        self.connection.shutdown(socket.SHUT_RDWR)


class Upstream:
    """Accepts on a unix socket; a thread for each connection reads it while `reading` is set."""

    KEPT = 1 << 22
    """Bytes of each caller that are kept to be compared."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handed: list[Handed] = []
        self.reading = threading.Event()
        self.reading.set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o777)
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take nobody any more, and hang up on everybody."""
        self.reading.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for handed in self.handed:
            handed.connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            handed = Handed(connection)
            self.handed.append(handed)
            threading.Thread(target=self._read, args=(handed,), daemon=True).start()

    def _read(self, handed: Handed) -> None:
        try:
            while self.reading.wait():
                if handed.stuck.is_set():
                    time.sleep(0.05)
                    continue
                data = handed.connection.recv(65536)
                if not data:
                    break
                self._take(handed, data)
        except OSError:
            pass
        finally:
            handed.ended.set()

    def _take(self, handed: Handed, data: bytes) -> None:
        if not handed.fields:
            handed.line += data
            head, found, data = handed.line.partition(b"\n")
            if not found:
                return
            match = PREAMBLE.fullmatch(head + found)
            assert match, f"not a preamble: {head!r}"
            handed.fields = {name: value.decode() for name, value in match.groupdict().items()}
        handed.size += len(data)
        handed.data += data[: max(0, self.KEPT - len(handed.data))]
        handed.stream.feed(data)


@contextmanager
def upstream() -> Iterator[Upstream]:
    """An upstream in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="headend-upstream-") as folder:
        Path(folder).chmod(0o755)
        server = Upstream(Path(folder) / "remux.sock")
        try:
            yield server
        finally:
            server.close()
