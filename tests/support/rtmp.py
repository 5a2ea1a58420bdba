"""A small RTMP client that says exactly what it is told to: hostile packets, and a publisher that needs no encoder.

Source: Adobe's RTMP specification 1.0 (5.2 handshake, 5.3 chunk format, 7 messages) and AMF 0. Nothing here checks
what the server must check.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

CHUNK_SIZE, ABORT, ACK, USER, ACK_SIZE, BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO = 8, 9
AMF3_DATA, AMF3_SHARED, AMF3_COMMAND = 15, 16, 17
DATA, SHARED, COMMAND, AGGREGATE = 18, 19, 20, 22

# C1, S1 and S2, each.
HANDSHAKE_BYTES = 1536

Amf = str | float | bool | None | dict[str, "Amf"]


def amf(value: Amf) -> bytes:
    """A value in AMF 0."""
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return b"\x01" + bytes([value])
    if isinstance(value, int | float):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"\x02" + _text(value)
    return b"\x03" + b"".join(_text(key) + amf(item) for key, item in value.items()) + b"\x00\x00\x09"


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    return struct.pack(">H", len(data)) + data


def command(name: str, *arguments: Amf) -> bytes:
    """The payload of a command or data message."""
    return amf(name) + b"".join(map(amf, arguments))


def chunks(kind: int, payload: bytes, *, csid: int = 3, msid: int = 0, timestamp: int = 0, size: int = 128) -> bytes:
    """A message as it goes over the wire: a full header, then pieces of `size` bytes."""
    header = (
        bytes([csid])
        + timestamp.to_bytes(3, "big")
        + len(payload).to_bytes(3, "big")
        + bytes([kind])
        + struct.pack("<I", msid)
    )
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    return header + bytes([0xC0 | csid]).join(pieces)


class RtmpClient:
    """One connection; a context manager. Every read is bounded by `timeout` seconds."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", timeout: float = 5.0) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self._unread = b""
        self._chunk_size_in = 128
        self._partial: dict[int, tuple[int, int, bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def handshake(self) -> Self:
        """The plain handshake; the server answers S0, S1 and S2."""
        self.socket.sendall(b"\x03" + bytes(HANDSHAKE_BYTES))
        answer = self._exactly(1 + 2 * HANDSHAKE_BYTES)
        self.socket.sendall(answer[1 : 1 + HANDSHAKE_BYTES])
        return self

    def send(self, kind: int, payload: bytes, *, csid: int = 3, msid: int = 0, timestamp: int = 0) -> None:
        """Send one message in pieces of 128 bytes, the size that holds until somebody changes it."""
        self.socket.sendall(chunks(kind, payload, csid=csid, msid=msid, timestamp=timestamp))

    def connect(self, application: str = "live") -> None:
        """Connect to an application and wait for the server's yes; ConnectionError if it hangs up."""
        self.send(COMMAND, command("connect", 1, {"app": application, "tcUrl": f"rtmp://127.0.0.1/{application}"}))
        self.wait_for(b"NetConnection.Connect.Success")

    def publish(self, name: str) -> None:
        """Publish a stream, and wait until the server has let us in; ConnectionError if it refuses."""
        self.send(COMMAND, command("createStream", 2, None))
        self.wait_for(b"_result")
        self.send(COMMAND, command("publish", 0, None, name, "live"), msid=1)
        self.wait_for(b"NetStream.Publish.Start")

    def wait_for(self, text: bytes) -> bytes:
        """The next command of the server that holds this text; others are dropped."""
        while True:
            kind, payload = self.receive()
            if kind == COMMAND and text in payload:
                return payload

    def receive(self) -> tuple[int, bytes]:
        """The server's next whole message: its type and payload."""
        while True:
            first = self._exactly(1)[0]
            csid, form = first & 63, first >> 6
            kind, length, have = self._partial.get(csid, (0, 0, b""))
            if form < 3:
                header = self._exactly((11, 7, 3)[form])
                if form < 2:
                    length, kind = int.from_bytes(header[3:6], "big"), header[6]
                if header[:3] == b"\xff\xff\xff":
                    self._exactly(4)
            have += self._exactly(min(length - len(have), self._chunk_size_in))
            done = len(have) == length
            self._partial[csid] = (kind, length, b"" if done else have)
            if done:
                if kind == CHUNK_SIZE:
                    self._chunk_size_in = int.from_bytes(have, "big")
                return kind, have

    def hung_up(self) -> bool:
        """Whether the server closes the connection within the timeout; what it still says is read and dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def _exactly(self, count: int) -> bytes:
        while len(self._unread) < count:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server hung up")
            self._unread += data
        data, self._unread = self._unread[:count], self._unread[count:]
        return data
