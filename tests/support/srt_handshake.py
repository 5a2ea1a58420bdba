"""Raw SRT packets in Python, from draft-sharabayko-srt-01: sound ones, and any field of them made wrong.

No libsrt here: it would not send what a stranger may.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

# Control packet types, 3.2.
HANDSHAKE, KEEPALIVE, ACK, NAK, CONGESTION, SHUTDOWN, ACKACK, DROP, PEER_ERROR = range(9)
USER_DEFINED = 0x7FFF

# Handshake types, 3.2.1; a refusal is REFUSED + its code.
WAVEAHAND, INDUCTION, AGREEMENT, CONCLUSION = 0, 1, 0xFFFFFFFE, 0xFFFFFFFF
REFUSED = 1000

# Extension field of a conclusion: which kinds of extension follow.
HAS_HSREQ, HAS_KMREQ, HAS_CONFIG = 1, 2, 4

# What a caller of version 4 asks for in its first packet, and how a listener of version 5 names itself in its answer.
DATAGRAM, MAGIC = 2, 0x4A17

# Extension types, 3.2.1.
HSREQ, HSRSP, KMREQ, KMRSP, STREAM_ID, CONGESTION_CONTROL, FILTER, GROUP = range(1, 9)

# Flags of HSREQ: timestamped sending and receiving, encryption, too-late drop, NAK reports, retransmission flag.
USUAL_FLAGS = 0x3F
LIBSRT_1_5_1 = 0x010501

_CONTROL = struct.Struct(">HHIII")
_HANDSHAKE = struct.Struct(">IHHIIIIII16s")


def control(kind: int, payload: bytes = b"", *, subtype: int = 0, info: int = 0, destination: int = 0) -> bytes:
    """A control packet to a socket id; 0 is the listener."""
    return _CONTROL.pack(0x8000 | kind, subtype, info, 0, destination) + payload


def data(payload: bytes, *, sequence: int = 1, destination: int = 0, flags: int = 0xC0000001) -> bytes:
    """A data packet: the whole of a message, unless flags say otherwise."""
    return struct.pack(">IIII", sequence & 0x7FFFFFFF, flags, 0, destination) + payload


def extension(kind: int, content: bytes, *, words: int | None = None) -> bytes:
    """An extension block; `words` is the length it claims, in 32 bits, by default the true one."""
    padded = content + bytes(-len(content) % 4)
    return struct.pack(">HH", kind, len(padded) // 4 if words is None else words) + padded


def hs_request(*, version: int = LIBSRT_1_5_1, flags: int = USUAL_FLAGS, latency_ms: int = 120) -> bytes:
    """The block that makes a caller an SRT one."""
    return extension(HSREQ, struct.pack(">IIHH", version, flags, latency_ms, latency_ms))


def stream_id(text: bytes) -> bytes:
    """The stream id; the draft turns each group of four bytes round."""
    padded = text + bytes(-len(text) % 4)
    return extension(STREAM_ID, b"".join(padded[at : at + 4][::-1] for at in range(0, len(padded), 4)))


def group(*, number: int = 0x40000001, kind: int = 1, flags: int = 0, weight: int = 0) -> bytes:
    """Membership of a bonding group; kind 1 is broadcast."""
    return extension(GROUP, struct.pack(">IBBH", number, kind, flags, weight))


def key_material(
    *,
    header: bytes = b"\x12\x20\x29\x01",
    cipher: int = 2,
    salt: bytes = bytes(range(16)),
    key_bytes: int = 16,
    wrapped: bytes | None = None,
) -> bytes:
    """A key material message, 3.2.2, for the even key of AES-CTR; no passphrase unwraps its key."""
    lengths = bytes([0, 0, len(salt) // 4 & 0xFF, key_bytes // 4 & 0xFF])
    wrap = bytes(key_bytes + 8) if wrapped is None else wrapped
    return header + bytes(4) + bytes([cipher, 0, 2, 0]) + lengths + salt + wrap


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake packet, field by field; the defaults are the first packet of a sound caller."""

    version: int = 4
    encryption: int = 0
    extension_field: int = DATAGRAM
    sequence: int = 0x1234567
    mss: int = 1500
    flow_window: int = 8192
    kind: int = INDUCTION
    socket_id: int = 0x2A2A2A2A
    cookie: int = 0
    address: bytes = b"\x01\x00\x00\x7f" + bytes(12)
    extensions: tuple[bytes, ...] = ()

    def packet(self, *, destination: int = 0) -> bytes:
        """The packet as it goes over the wire."""
        fixed = _HANDSHAKE.pack(
            self.version,
            self.encryption,
            self.extension_field,
            self.sequence,
            self.mss,
            self.flow_window,
            self.kind,
            self.socket_id,
            self.cookie,
            self.address,
        )
        return control(HANDSHAKE, fixed + b"".join(self.extensions), destination=destination)

    @property
    def refusal(self) -> int | None:
        """The code of a refusal, without libsrt's 1000 before it; None if this is none."""
        return self.kind - REFUSED if REFUSED <= self.kind < AGREEMENT else None


def parse(packet: bytes) -> Handshake | None:
    """A handshake that was received, extensions left out; None if it is another packet."""
    if len(packet) < _CONTROL.size + _HANDSHAKE.size or packet[:2] != b"\x80\x00":
        return None
    return Handshake(*_HANDSHAKE.unpack_from(packet, _CONTROL.size))


def conclusion(cookie: int, *extensions: bytes, **fields: int) -> Handshake:
    """The second packet of a sound caller: HSREQ, then the given blocks."""
    kinds = [int.from_bytes(block[:2], "big") for block in extensions]
    flags = HAS_HSREQ
    if KMREQ in kinds:
        flags |= HAS_KMREQ
    if any(kind >= STREAM_ID for kind in kinds):
        flags |= HAS_CONFIG
    sound = Handshake(
        version=5,
        encryption=2 if KMREQ in kinds else 0,
        extension_field=flags,
        kind=CONCLUSION,
        cookie=cookie,
        extensions=(hs_request(), *extensions),
    )
    return replace(sound, **fields)  # type: ignore[arg-type]  # Every field that is a number.


class Stranger:
    """A UDP socket of its own port that speaks to a listener."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 1.0, source: str = "") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.socket.settimeout(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, packet: bytes) -> None:
        """Send, whatever became of the packet before: a closed port answers one with an error on the next."""
        try:
            self.socket.send(packet)
        except OSError:
            self.socket.send(packet)

    def drain(self) -> None:
        """Throw away what has come."""
        timeout = self.socket.gettimeout()
        self.socket.settimeout(0)
        try:
            while self.socket.recv(2048):
                pass
        except OSError:
            pass
        self.socket.settimeout(timeout)

    def answer(self) -> Handshake | None:
        """The next handshake packet from the listener; None if nothing comes in time."""
        try:
            while (received := parse(self.socket.recv(2048))) is None:
                pass
        except TimeoutError:
            return None
        return received

    def cookie(self, attempts: int = 5) -> int:
        """Ask for a cookie, as the first packet of a caller does. Good for this port, for a minute at least.

        Raises TimeoutError: nobody answers.
        """
        for _ in range(attempts):
            self.send(Handshake().packet())
            while (answer := self.answer()) is not None:
                if answer.kind == INDUCTION:
                    return answer.cookie
        raise TimeoutError(f"no answer to an induction on port {self.socket.getpeername()[1]}")
