"""The stream id of an SRT caller. nginx_modules/srt/ngx_srt_streamid.c reads the same grammar, by the same vectors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headend.model.base import SLUG_PATTERN

LONGEST = 512
"""Bytes; libsrt's own limit."""

PREFIX = "#!::"
APPLICATION = "live/"

# libsrt's SRT_REJX_* (access_control.h): what a caller is told.
BAD_REQUEST = 1400
BAD_MODE = 1405
NOTSUP_MEDIA = 1415

KEY_ID_PATTERN = r"[A-Za-z0-9]{1,16}"
NONCE_PATTERN = r"[A-Za-z0-9_-]{8,32}"

# No '%': nobody decodes, so nothing can be spelled in two ways.
PRINTABLE = re.compile(r"[!-$&-~]+")
PAIR_KEY = re.compile(r"[A-Za-z0-9_.-]{1,32}")
SLUG = re.compile(SLUG_PATTERN)
KEY_ID = re.compile(KEY_ID_PATTERN)
EXPIRY = re.compile(r"[1-9][0-9]{0,9}")
NONCE = re.compile(NONCE_PATTERN)
SIGNATURE = re.compile(r"[A-Za-z0-9_-]{43}")

KNOWN = frozenset({"r", "m", "u", "t", "exp", "nonce", "sig"})
TICKET = ("exp", "nonce", "sig")
MODES = ("publish", "request", "bidirectional")


class StreamIdError(ValueError):
    """A stream id that is refused: the code that the caller is told, and one sentence. Never the stream id itself."""

    def __init__(self, code: int, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamId:
    """Who publishes what; with an expiry, a nonce and a signature if it is signed, without any of them if not."""

    slug: str
    key_id: str
    expires_at: int | None = None
    """Unix seconds."""
    nonce: str | None = None
    signature: str | None = None

    @property
    def is_signed(self) -> bool:
        """Whether it proves itself; else the passphrase must."""
        return self.signature is not None

    @property
    def text(self) -> str:
        """SRT's own spelling. Example: #!::r=coffee,m=publish,u=ab12cd34."""
        pairs = [f"r={self.slug}", "m=publish", f"u={self.key_id}", *self._ticket]
        return PREFIX + ",".join(pairs)

    @property
    def plain(self) -> str:
        """The spelling for URLs: the same before and after percent-decoding. Example: coffee?u=ab12cd34."""
        return f"{self.slug}?{','.join([f'u={self.key_id}', *self._ticket])}"

    @property
    def _ticket(self) -> list[str]:
        if not self.is_signed:
            return []
        return [f"exp={self.expires_at}", f"nonce={self.nonce}", f"sig={self.signature}"]


def parse(text: str) -> StreamId:
    """Read a stream id in either spelling; StreamIdError says why it is refused."""
    if not 0 < len(text) <= LONGEST:
        raise _bad(f"{len(text)} characters, not 1 to {LONGEST}")
    if not PRINTABLE.fullmatch(text):
        raise _bad("a character other than printable ASCII without space and %")
    if text.startswith(PREFIX):
        mode, values = "request", _pairs(text.removeprefix(PREFIX), ",", {})
    else:
        resource, found, query = text.partition("?")
        if not found:
            raise _bad("no key id (u)")
        mode, values = "publish", _pairs(query, "&" if "&" in query else ",", {"r": resource})
    mode = values.get("m", mode)
    if mode not in MODES:
        raise _bad("an unknown mode (m)")
    stream_id = _stream_id(values)
    if values.get("t", "stream") != "stream":
        raise StreamIdError(NOTSUP_MEDIA, "not a stream (t)")
    if mode != "publish":
        raise StreamIdError(BAD_MODE, "not for publishing (m)")
    return stream_id


def _pairs(text: str, separator: str, known: dict[str, str]) -> dict[str, str]:
    """The keys with their values; those that encoders add of their own are checked, and nobody reads them."""
    values = dict(known)
    for pair in text.split(separator):
        key, found, value = pair.partition("=")
        if not found or not PAIR_KEY.fullmatch(key):
            raise _bad("a pair that is not KEY=VALUE")
        if key in values:
            raise _bad("a key twice")
        if not value and key in KNOWN:
            raise _bad("a key without a value")
        values[key] = value
    return values


def _stream_id(values: dict[str, str]) -> StreamId:
    slug, key_id = values.get("r", "").removeprefix(APPLICATION), values.get("u", "")
    if not SLUG.fullmatch(slug):
        raise _bad("no stream (r), or not a slug")
    if not KEY_ID.fullmatch(key_id):
        raise _bad("no key id (u), or not one")
    if not any(key in values for key in TICKET):
        return StreamId(slug=slug, key_id=key_id)
    expiry, nonce, signature = (values.get(key, "") for key in TICKET)
    if not (EXPIRY.fullmatch(expiry) and NONCE.fullmatch(nonce) and SIGNATURE.fullmatch(signature)):
        raise _bad("exp, nonce and sig are not all there, or not right")
    return StreamId(slug=slug, key_id=key_id, expires_at=int(expiry), nonce=nonce, signature=signature)


def _bad(sentence: str) -> StreamIdError:
    return StreamIdError(BAD_REQUEST, sentence)
