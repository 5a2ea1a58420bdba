"""Where an encoder's MPEG-TS goes when its URL is srt://: a file to write to, cut into messages on the wire."""

from __future__ import annotations

import time
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from testbed.srt_socket import PAYLOAD, SrtError, SrtOptions, SrtSocket, connect

DEFAULT_PORT = 9000
FLUSH_SECONDS = 1.0
"""How long the last messages may take to be confirmed."""


def parse_url(url: str) -> tuple[str, int, SrtOptions]:
    """Host, port and options of an address as libsrt spells it, latency in ms; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "srt" or not parts.hostname:
        raise ValueError
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if query.get("mode", "caller") != "caller":
        raise ValueError
    options = SrtOptions(
        stream_id=query.get("streamid", ""),
        passphrase=query.get("passphrase", ""),
        key_length=int(query.get("pbkeylen", 0)),
        latency_ms=int(query.get("latency", 0)),
        peer_idle_ms=int(query.get("peeridletimeo", 0)),
    )
    return parts.hostname, parts.port or DEFAULT_PORT, options


class SrtOutput:
    """A connection that a muxer writes to as to a file; raises SrtError from `write` once it is lost."""

    def __init__(self, url: str) -> None:
        self._socket: SrtSocket = connect(*parse_url(url))
        self._rest = b""

    def write(self, data: bytes) -> int:
        """Send all whole messages; what is left waits for more, as encoders do it."""
        self._rest += data
        while len(self._rest) >= PAYLOAD:
            self._socket.send(self._rest[:PAYLOAD])
            self._rest = self._rest[PAYLOAD:]
        return len(data)

    def close(self) -> None:
        """Send the rest, wait a moment until it has arrived, and hang up."""
        with suppress(SrtError):
            if self._rest:
                self._socket.send(self._rest)
            end = time.monotonic() + FLUSH_SECONDS
            while self._socket.connected() and self._socket.unsent() and time.monotonic() < end:
                time.sleep(0.01)
        self._socket.close()
