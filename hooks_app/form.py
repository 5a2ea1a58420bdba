"""nginx-rtmp's hook body, read strictly from bytes.

nginx-rtmp 1.2.2 writes its own fields first, percent-escaped, in a fixed order (ngx_rtmp_netcall_http_format_session,
then ngx_rtmp_notify_publish_create), and appends the publisher's own query as it came, unescaped: `evil?name=allowed`
sends two names, and a lenient parser believes the last. Here the names must be exactly nginx's, in nginx's order,
followed by the publisher's: a second spelling of anything, in any encoding, is one name too many.

A publisher over TCP sends one `key`, which is a claim. The remuxer of an SRT caller comes over nginx's unix socket, for
which nginx writes `addr=unix:`, and says whom nginx@srt has let in; only the remuxer's user can open that socket. So
`addr`, which is nginx's own word, decides which of the two is read, and neither is ever read as the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote_to_bytes

from headend.model.base import SLUG_PATTERN
from headend.model.stream_id import KEY_ID_PATTERN, NONCE_PATTERN

_SESSION: Final = ("app", "flashver", "swfurl", "tcurl", "pageurl", "addr", "clientid", "call", "name")
_SRT: Final = ("protocol", "key_id", "mode", "nonce", "peer")
PUBLISH_FIELDS: Final = (*_SESSION, "type", "key")
"""The field names of an on_publish body over TCP, in order; `key` is the publisher's."""
DONE_FIELDS: Final = (*_SESSION, "key")
"""The field names of an on_publish_done body over TCP, in order: without `type`."""
SRT_PUBLISH_FIELDS: Final = (*_SESSION, "type", *_SRT)
"""The field names of an on_publish body over the unix socket, in order; the last five are the remuxer's."""
SRT_DONE_FIELDS: Final = (*_SESSION, *_SRT)
"""The field names of an on_publish_done body over the unix socket, in order."""
UNIX_ADDRESS: Final = "unix:"
"""What nginx writes for the address of a client on a unix socket (ngx_sock_ntop)."""

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SLUG = re.compile(SLUG_PATTERN)
_CLIENT_ID = re.compile(r"[0-9]{1,18}")
_KEY_ID = re.compile(KEY_ID_PATTERN)
_NONCE = re.compile(NONCE_PATTERN)
_PEER = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<v4>[0-9.]{7,15})):(?P<port>[1-9][0-9]{0,4})")


class RefusedError(Exception):
    """The answer is no. The message says why, for the log, and never holds anything that the publisher sent."""


@dataclass(frozen=True, slots=True)
class SrtCaller:
    """Whom nginx@srt has let in, as its remuxer tells."""

    key_id: str
    mode: str
    """encrypted or signed."""
    nonce: str | None
    """Of a signed stream id."""
    peer: str
    """ADDRESS:PORT, IPv6 in brackets."""


@dataclass(frozen=True, slots=True)
class Call:
    """A hook call whose every field is believable; `key` is still only a claim. Either `key` or `srt` is None."""

    application: str
    slug: str
    client_id: int
    address: str
    key: str | None
    srt: SrtCaller | None = None

    def __repr__(self) -> str:
        """Without the key and the nonce: a repr ends up in logs and tracebacks."""
        return f"Call({self.application}/{self.slug}, client {self.client_id} at {self.address})"


def parse_publish(body: bytes) -> Call:
    """An on_publish body. Raises RefusedError."""
    return _parse(body, PUBLISH_FIELDS, SRT_PUBLISH_FIELDS, "publish")


def parse_done(body: bytes) -> Call:
    """An on_publish_done body. Raises RefusedError."""
    return _parse(body, DONE_FIELDS, SRT_DONE_FIELDS, "publish_done")


def _parse(body: bytes, over_tcp: tuple[str, ...], over_unix: tuple[str, ...], expected_call: str) -> Call:
    pairs = [part.partition(b"=") for part in body.split(b"&")]
    # Names are compared as bytes, before any decoding: nginx never escapes its own.
    names = [name + equals for name, equals, _ in pairs]
    if names == [name.encode() + b"=" for name in over_tcp]:
        values = {name: _decode(value) for name, (_, _, value) in zip(over_tcp, pairs, strict=True)}
        # The remuxer of an SRT caller has no key, and nobody else is on that socket.
        if not _is_ip(values["addr"]):
            raise RefusedError("a key over something else than TCP")
        return _call(values, expected_call, None)
    if names == [name.encode() + b"=" for name in over_unix]:
        values = {name: _decode(value) for name, (_, _, value) in zip(over_unix, pairs, strict=True)}
        if values["addr"] != UNIX_ADDRESS:
            raise RefusedError("SRT's fields over something else than the unix socket")
        raw = {name: value for name, (_, _, value) in zip(over_unix, pairs, strict=True) if name in _SRT}
        return _call(values, expected_call, _srt_caller(raw))
    raise RefusedError("fields are not nginx's own followed by one key")


def _decode(value: bytes) -> str:
    if _BROKEN_ESCAPE.search(value):
        raise RefusedError("broken percent-encoding")
    try:
        text = unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        # `from None`: the exception's text would carry the bytes.
        raise RefusedError("not UTF-8") from None
    if "\0" in text:
        raise RefusedError("NUL in a field")
    return text


def _call(values: dict[str, str], expected_call: str, srt: SrtCaller | None) -> Call:
    if values["call"] != expected_call:
        raise RefusedError("call does not match the hook")
    if not _CLIENT_ID.fullmatch(values["clientid"]):
        raise RefusedError("client id is not a number")
    if not _SLUG.fullmatch(values["name"]):
        raise RefusedError("name is not a slug")
    return Call(
        application=values["app"],
        slug=values["name"],
        client_id=int(values["clientid"]),
        address=values["addr"],
        key=values["key"] if srt is None else None,
        srt=srt,
    )


def _srt_caller(raw: dict[str, bytes]) -> SrtCaller:
    # As they came: each has one spelling, and a percent sign is in none.
    values = {name: value.decode("latin-1") for name, value in raw.items()}
    protocol, key_id, mode, nonce, peer = (values[name] for name in _SRT)
    if protocol != "srt":
        raise RefusedError("protocol is not srt")
    if not _KEY_ID.fullmatch(key_id):
        raise RefusedError("key id is malformed")
    if not _is_peer(peer):
        raise RefusedError("peer is not an address and a port")
    match mode:
        case "encrypted" if nonce == "-":
            return SrtCaller(key_id, mode, None, peer)
        case "signed" if _NONCE.fullmatch(nonce):
            return SrtCaller(key_id, mode, nonce, peer)
    raise RefusedError("mode and nonce do not fit")


def _is_peer(text: str) -> bool:
    parts = _PEER.fullmatch(text)
    if parts is None or int(parts["port"]) > 65535:
        return False
    return _is_ip(parts["v6"] or parts["v4"])


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
