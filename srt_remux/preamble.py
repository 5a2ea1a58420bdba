"""The line that nginx@srt writes before the caller's first byte: who this is, as it was admitted."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_BYTES = 512

# As nginx@srt writes it: fields in this order, one space between them. Every value goes into a URL and none needs
# escaping there; the slug also becomes a file name.
_LINE = re.compile(
    rb"HEADEND-SRT/1"
    rb" slug=(?P<slug>[a-z0-9][a-z0-9-]{0,39})"
    rb" key=(?P<key_id>[A-Za-z0-9]{1,16})"
    rb" mode=(?P<mode>encrypted|signed)"
    rb" nonce=(?P<nonce>[A-Za-z0-9_-]{8,32}|-)"
    rb" peer=(?P<peer>(?:[0-9.]{7,15}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5})\n"
)


class Preamble(NamedTuple):
    """One admitted caller."""

    slug: str
    key_id: str
    mode: str
    """encrypted or signed."""
    nonce: str
    """The signed id's nonce; - for an encrypted caller."""
    peer: str
    """Address and port of the caller; an IPv6 address in brackets."""

    def publish_url(self, port: int, application: str) -> str:
        """Where FFmpeg publishes: loopback, with what the hook app wants to know, in the order it is fixed."""
        query = f"protocol=srt&key_id={self.key_id}&mode={self.mode}&nonce={self.nonce}&peer={self.peer}"
        return f"rtmp://127.0.0.1:{port}/{application}/{self.slug}?{query}"


def parse(line: bytes) -> Preamble:
    """The fields of a line with its newline. Raises ValueError with one sentence, which never repeats the line."""
    match = _LINE.fullmatch(line) if len(line) <= MAX_BYTES else None
    if match is None:
        raise ValueError("this is not the first line of nginx@srt (HEADEND-SRT/1 slug=… key=… mode=… nonce=… peer=…)")
    return Preamble(*(value.decode("ascii") for value in match.groups()))
