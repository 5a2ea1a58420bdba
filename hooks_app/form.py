"""nginx-rtmp's hook body, read strictly from bytes.

nginx-rtmp 1.2.2 writes its own fields first, percent-escaped, in a fixed order (ngx_rtmp_netcall_http_format_session,
then ngx_rtmp_notify_publish_create), and appends the publisher's own query as it came, unescaped: `evil?name=allowed`
sends two names, and a lenient parser believes the last. Here the names must be exactly nginx's, in nginx's order,
followed by one `key`: a second spelling of anything, in any encoding, is one name too many.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from headend.model.base import SLUG_PATTERN

_SESSION: Final = ("app", "flashver", "swfurl", "tcurl", "pageurl", "addr", "clientid", "call", "name")
PUBLISH_FIELDS: Final = (*_SESSION, "type", "key")
"""The field names of an on_publish body, in order; `key` is the publisher's."""
DONE_FIELDS: Final = (*_SESSION, "key")
"""The field names of an on_publish_done body, in order: without `type`."""

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SLUG = re.compile(SLUG_PATTERN)
_CLIENT_ID = re.compile(r"[0-9]{1,18}")


class RefusedError(Exception):
    """The answer is no. The message says why, for the log, and never holds anything that the publisher sent."""


@dataclass(frozen=True, slots=True)
class Call:
    """A hook call whose every field is believable; `key` is still only a claim."""

    application: str
    slug: str
    client_id: int
    address: str
    key: str

    def __repr__(self) -> str:
        """Without the key: a repr ends up in logs and tracebacks."""
        return f"Call({self.application}/{self.slug}, client {self.client_id} at {self.address})"


def parse_publish(body: bytes) -> Call:
    """An on_publish body. Raises RefusedError."""
    return _call(_values(body, PUBLISH_FIELDS), "publish")


def parse_done(body: bytes) -> Call:
    """An on_publish_done body. Raises RefusedError."""
    return _call(_values(body, DONE_FIELDS), "publish_done")


def _values(body: bytes, expected: tuple[str, ...]) -> dict[str, str]:
    pairs = [part.partition(b"=") for part in body.split(b"&")]
    # Names are compared as bytes, before any decoding: nginx never escapes its own.
    if [name + equals for name, equals, _ in pairs] != [name.encode() + b"=" for name in expected]:
        raise RefusedError("fields are not nginx's own followed by one key")
    return {name: _decode(value) for name, (_, _, value) in zip(expected, pairs, strict=True)}


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


def _call(values: dict[str, str], expected_call: str) -> Call:
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
        key=values["key"],
    )
