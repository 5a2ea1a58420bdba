"""The way out: whom this origin may talk to, and for how long.

A destination is an address that a person typed, on a machine that others want to look into (CWE-918). So a name is
resolved once, every address that it has is judged, and the connection goes to a judged one: who answers the name anew
a moment later changes nothing. Nothing is redirected, an answer is read up to its cap, and all of it ends in time.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from hooks_app.deadline import Deadline, resolve

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SECONDS = 15.0
"""For a request, from the name's resolution to the last byte of the answer."""
ANSWER_BYTES = 1024 * 1024
SCHEMES = ("https", "http")

# IPv4 addresses inside IPv6 ones are judged as what they are: RFC 4291 2.5.5.2, RFC 6052 2.1.
NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")
# Tunnels that end at an IPv4 address of the sender's choice: RFC 3056, RFC 4380.
TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
# What the registries call special though ipaddress calls it global: 6to4 relays (RFC 7526).
SPECIAL = (IPv4Network("192.88.99.0/24"),)


class NotSentError(Exception):
    """Nothing was sent: a refusal, a name without an address, nobody there. The message is for people."""


class RefusedError(NotSentError):
    """The guard does not let it out; trying again changes nothing."""


class UnknownOutcomeError(Exception):
    """The request, or a part of it, was sent, and no whole answer came. The message is for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Up to ANSWER_BYTES."""


def is_public(address: Address) -> bool:
    """Whether an address is of the public Internet, by the registries for special addresses (RFC 6890)."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        return address.is_global and address in GLOBAL_UNICAST and not any(address in tunnel for tunnel in TUNNELS)
    special = address.is_multicast or address.is_reserved or any(address in network for network in SPECIAL)
    return address.is_global and not special


@dataclass(frozen=True, slots=True)
class Guard:
    """Opens connections to whom it may."""

    listed: Sequence[Network] = ()
    """Networks that may be reached though they are not public."""

    def may(self, address: Address) -> bool:
        """Whether a connection may be made."""
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        plain = mapped or address
        return is_public(address) or any(
            plain.version == network.version and plain in network for network in self.listed
        )

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """The addresses of a name, all of them judged. Raises RefusedError if one may not be reached; NotSentError."""
        try:
            found = resolve(host, port, deadline)
        except TimeoutError:
            raise NotSentError(f"{host}: no address in time") from None
        except (OSError, UnicodeError):
            raise NotSentError(f"{host}: no address is known") from None
        texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for text in texts:
            if not self.may(ip_address(text.partition("%")[0])):
                raise RefusedError(f"{host}: its address {text} is not public, and not listed in outbound.allow")
        return texts

    def connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """A connection in time, which the deadline watches from then on. Raises NotSentError."""
        reason = "no connection in time"
        for text in self.addresses(host, port, deadline):
            if deadline.is_over:
                break
            try:
                # A literal address: nothing is resolved again.
                made = socket.create_connection((text, port), timeout=deadline.left_seconds)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                continue
            deadline.watch(made)
            return made
        raise NotSentError(f"{host}: {reason.lower()}")


@dataclass(slots=True)
class _Attempt:
    """One request: whom it may reach, until when, and how far it came."""

    guard: Guard
    deadline: Deadline
    connected: bool = False

    def open(self, host: str, port: int) -> socket.socket:
        return self.guard.connect(host, port, self.deadline)


class _Plain(HTTPConnection):
    def __init__(self, attempt: _Attempt, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._attempt = attempt

    def _new_conn(self) -> socket.socket:
        return self._attempt.open(self._dns_host, self.port or self.default_port)

    def connect(self) -> None:
        super().connect()
        self._attempt.connected = True


class _Tls(HTTPSConnection):
    def __init__(self, attempt: _Attempt, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._attempt = attempt

    def _new_conn(self) -> socket.socket:
        return self._attempt.open(self._dns_host, self.port or self.default_port)

    def connect(self) -> None:
        # The handshake too: until it has gone well, nothing of the request is out.
        super().connect()
        self._attempt.connected = True


class _Adapter(HTTPAdapter):
    def __init__(self, attempt: _Attempt) -> None:
        self._attempt = attempt
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        attempt = self._attempt

        def plain(*args: Any, **more: Any) -> HTTPConnectionPool:
            pool = HTTPConnectionPool(*args, **more)
            pool.ConnectionCls = partial(_Plain, attempt)  # type: ignore[assignment]
            return pool

        def tls(*args: Any, **more: Any) -> HTTPSConnectionPool:
            pool = HTTPSConnectionPool(*args, **more)
            pool.ConnectionCls = partial(_Tls, attempt)  # type: ignore[assignment]
            return pool

        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": tls}


class _Session(requests.Session):
    # Its own, also where a process leads everybody else's sessions here.
    send = requests.Session.send


@dataclass(frozen=True, slots=True)
class Outbound:
    """Sends requests; a connection serves one."""

    guard: Guard
    seconds: float = SECONDS

    def send(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
    ) -> Answer:
        """Send a request, and read its answer, whatever it says; a redirect is an answer like another.

        Raises RefusedError, NotSentError, UnknownOutcomeError; no message has the URL, which may be a secret.
        """
        check_url(url)
        deadline = Deadline(self.seconds)
        attempt = _Attempt(self.guard, deadline)
        try:
            with deadline, _Session() as session:
                # No proxy, no .netrc: neither a variable nor a file of the host says where this goes.
                session.trust_env = False
                session.mount("http://", _Adapter(attempt))
                session.mount("https://", _Adapter(attempt))
                with session.request(
                    method,
                    url,
                    data=body,
                    headers={"Accept-Encoding": "identity", **headers},
                    allow_redirects=False,
                    stream=True,
                    timeout=self.seconds,
                ) as response:
                    return _read(response, attempt)
        except NotSentError:
            raise
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise _told(error, attempt) from None


def check_url(url: str) -> None:
    """Raises RefusedError for a URL that is none, or of another scheme than http and https."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RefusedError("the URL is none") from None
    if parts.scheme not in SCHEMES:
        raise RefusedError("the URL is neither https nor http")
    if not parts.hostname or parts.username is not None:
        raise RefusedError("the URL names no host, or a user")


def _read(response: requests.Response, attempt: _Attempt) -> Answer:
    body = bytearray()
    while len(body) < ANSWER_BYTES:
        part = response.raw.read(min(65_536, ANSWER_BYTES - len(body)), decode_content=False)
        if not part:
            break
        body += part
    if attempt.deadline.is_over:
        raise UnknownOutcomeError("no whole answer in time")
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(body))


def _told(error: Exception, attempt: _Attempt) -> Exception:
    """The exception in our words; requests' own name the whole URL."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (NotSentError, UnknownOutcomeError)):
            return cause
        cause = cause.__cause__ or cause.__context__
    late = attempt.deadline.is_over
    if attempt.connected:
        return UnknownOutcomeError("no whole answer in time" if late else "the connection broke before the answer")
    return NotSentError("no connection in time" if late else f"no connection ({type(error).__name__})")
