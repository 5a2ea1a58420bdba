"""An SRT caller of our own: exact reject codes, libsrt's statistics, and no secret in any argument list or traceback.

`connect(host, port, SrtOptions(stream_id=…, passphrase=…))` gives an SrtSocket; SrtListener is its counterpart.
"""

from __future__ import annotations

import ctypes
import socket
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from testbed import libsrt as srt
from testbed.fault import TestbedError
from testbed.libsrt import libsrt

PAYLOAD = 1316
"""Seven MPEG-TS packets: what every encoder puts into one SRT message."""

# Reasons that libsrt itself gives, as srt_getrejectreason tells them; on the wire they are 1000 more.
SYSTEM, PEER, BAD_SECRET, UNSECURE, TIMEOUT = 1, 2, 10, 11, 16
# Reasons that a server gives (access_control.h).
BAD_REQUEST, UNAUTHORIZED, OVERLOAD, FORBIDDEN, NOT_FOUND = 1400, 1401, 1402, 1403, 1404
BAD_MODE, CONFLICT, UNSUPPORTED_MEDIA, DOWN = 1405, 1409, 1415, 1503

MEANINGS = {
    BAD_SECRET: "wrong passphrase",
    UNSECURE: "a passphrase is needed here, or none is",
    BAD_REQUEST: "the stream id is faulty",
    UNAUTHORIZED: "the signature is wrong",
    OVERLOAD: "the server has too many callers",
    FORBIDDEN: "the key does not allow it: revoked, expired, used, or another stream's",
    NOT_FOUND: "there is no such stream",
    BAD_MODE: "one can only publish here",
    CONFLICT: "somebody else is on air",
    UNSUPPORTED_MEDIA: "only streams are taken here",
    DOWN: "the server is not ready",
}
_ETIMEOUT = 6003


class SrtError(TestbedError):
    """The connection is lost, or was never one; `code` is libsrt's error."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class SrtRefused(SrtError):  # noqa: N818 (an answer, as it is called)
    """The server said no; `code` is the reason exactly as srt_getrejectreason gives it (BAD_SECRET is 10)."""


class SrtUnreachable(SrtError):  # noqa: N818 (a state of the world)
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True)
class SrtOptions:
    """What is agreed before a connection; 0 leaves libsrt's own value. A stream id may hold a signature: no repr."""

    stream_id: str | bytes = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    key_length: int = 0
    """Of the AES key, in bytes: 16, 24 or 32."""
    latency_ms: int = 0
    peer_idle_ms: int = 0
    connect_ms: int = 3000
    send_ms: int = 5000
    """A send that a full buffer holds up for so long has failed."""
    receive_ms: int = 5000
    payload: int = PAYLOAD
    source: tuple[str, int] | None = None
    """Address and port to call from; port 0 takes any."""


class SrtSocket:
    """One connection; a context manager."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send one message of at most `payload` bytes; raises SrtError when the connection is lost."""
        if libsrt().srt_send(self._number, data, len(data)) == srt.FAILED:
            raise last_error()

    def receive(self) -> bytes:
        """The next message; empty when the peer has hung up; raises TimeoutError after `receive_ms`."""
        buffer = ctypes.create_string_buffer(1500)
        length = libsrt().srt_recv(self._number, buffer, len(buffer))
        if length == srt.FAILED:
            if libsrt().srt_getlasterror(None) == _ETIMEOUT:
                raise TimeoutError
            return b""
        return buffer.raw[:length]

    def connected(self) -> bool:
        """Whether libsrt still holds the connection for alive."""
        return bool(libsrt().srt_getsockstate(self._number) == srt.CONNECTED)

    def encrypted(self) -> bool:
        """Whether both sides agreed on a key."""
        secured = 2
        return self.option(srt.SNDKMSTATE) == secured

    def unsent(self) -> int:
        """Packets that the peer has not confirmed yet."""
        return self.option(srt.SNDDATA)

    def stats(self) -> dict[str, float]:
        """libsrt's counters under libsrt's names (srt.h, CBytePerfMon), since the connection began."""
        counters = srt.PerfMon()
        if libsrt().srt_bistats(self._number, ctypes.byref(counters), 0, 1) == srt.FAILED:
            raise last_error()
        return {name: getattr(counters, name) for name, *_ in srt.PerfMon._fields_}

    def option(self, option: int) -> int:
        """A whole-number option of the socket, by its number in srt.h."""
        value, length = ctypes.c_int(), ctypes.c_int(ctypes.sizeof(ctypes.c_int))
        if libsrt().srt_getsockflag(self._number, option, ctypes.byref(value), ctypes.byref(length)) == srt.FAILED:
            raise last_error()
        return value.value

    def close(self) -> None:
        """Hang up at once: what the peer has not confirmed is lost. Twice does no harm."""
        libsrt().srt_close(self._number)


class SrtListener:
    """Takes callers on a port; 0 finds a free one. Callers must have the passphrase of `options`, if it has one."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, options: SrtOptions | None = None) -> None:
        self._options = options or SrtOptions()
        self._socket = _socket(self._options)
        number, (_, address) = self._socket._number, _addresses(host, port)
        if libsrt().srt_bind(number, address, len(address)) or libsrt().srt_listen(number, 8):
            raise last_error()
        name, length = ctypes.create_string_buffer(128), ctypes.c_int(128)
        libsrt().srt_getsockname(number, name, ctypes.byref(length))
        self.port = int.from_bytes(name.raw[2:4], "big")

    def accept(self) -> SrtSocket:
        """The next caller; waits for ever."""
        number = libsrt().srt_accept(self._socket._number, None, None)
        if number == srt.INVALID:
            raise last_error()
        return SrtSocket(number)

    def close(self) -> None:
        """Take no more callers."""
        self._socket.close()


def connect(host: str, port: int, options: SrtOptions | None = None) -> SrtSocket:
    """A connection that the server has let in; raises SrtRefused with its reason, or SrtUnreachable."""
    options = options or SrtOptions()
    family, address = _addresses(host, port)
    caller = _socket(options)
    try:
        if options.source:
            own = _pack(family, *options.source)
            if libsrt().srt_bind(caller._number, own, len(own)) == srt.FAILED:
                raise last_error()
        if libsrt().srt_connect(caller._number, address, len(address)) == srt.FAILED:
            raise _refusal(caller._number)
    except BaseException:
        caller.close()
        raise
    return caller


def version() -> str:
    """Of the machine's libsrt."""
    number = libsrt().srt_getversion()
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def last_error() -> SrtError:
    """What libsrt says of this thread's last call."""
    return SrtError(libsrt().srt_getlasterror(None), "srt: " + libsrt().srt_getlasterror_str().decode())


def _refusal(number: int) -> SrtError:
    reason = libsrt().srt_getrejectreason(number)
    if reason == TIMEOUT:
        return SrtUnreachable(reason, "srt: nobody answers")
    words = MEANINGS.get(reason) or libsrt().srt_rejectreason_str(reason).decode()
    return SrtRefused(reason, f"srt: refused {reason}: {words}")


def _addresses(host: str, port: int) -> tuple[socket.AddressFamily, bytes]:
    """The first address of a host, as struct sockaddr."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    return family, _pack(family, str(address[0]), port)


def _pack(family: socket.AddressFamily, host: str, port: int) -> bytes:
    head = int(family).to_bytes(2, "little") + port.to_bytes(2, "big")
    if family == socket.AF_INET:
        return head + socket.inet_pton(family, host) + bytes(8)
    return head + bytes(4) + socket.inet_pton(family, host) + bytes(4)


def _socket(options: SrtOptions) -> SrtSocket:
    """A socket with these options, not connected yet."""
    number = libsrt().srt_create_socket()
    if number == srt.INVALID:
        raise last_error()
    identity = options.stream_id if isinstance(options.stream_id, bytes) else options.stream_id.encode()
    numbers = {
        srt.CONNTIMEO: options.connect_ms, srt.SNDTIMEO: options.send_ms, srt.RCVTIMEO: options.receive_ms,
        srt.PAYLOADSIZE: options.payload, srt.PBKEYLEN: options.key_length, srt.RCVLATENCY: options.latency_ms,
        srt.PEERLATENCY: options.latency_ms, srt.PEERIDLETIMEO: options.peer_idle_ms,
    }  # fmt: skip
    texts = {srt.STREAMID: identity, srt.PASSPHRASE: options.passphrase.encode()}
    values = {option: value.to_bytes(4, "little") for option, value in numbers.items() if value} | {
        option: text for option, text in texts.items() if text
    }
    for option, value in values.items():
        if libsrt().srt_setsockflag(number, option, value, len(value)) == srt.FAILED:
            libsrt().srt_close(number)
            raise ValueError(f"srt: libsrt does not take this value for option {option}")
    return SrtSocket(number)
