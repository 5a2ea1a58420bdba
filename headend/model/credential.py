"""What follows from a host's master secret: stream keys, passphrases, signatures. The C module has the same."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

MASTER_BYTES = (32, 256)
"""Shortest and longest master secret."""

PASSPHRASE_LENGTH = 32
"""Characters of the 43 that a derivation has: 192 bits, and libsrt takes 10 to 79 characters."""

# One label for each use: no output of one derivation is ever an output of another.
ENCRYPTED_LABEL = "headend-srt-passphrase-1"
RTMP_KEY_LABEL = "headend-rtmp-key-1"
SIGNED_LABEL = "headend-srt-signed-1"


def read_master(content: bytes) -> bytes:
    """The master secret out of its file: one line, without the white space at its end.

    Raises ValueError with one sentence, which never holds the content.
    """
    master = content.rstrip()
    if b"\n" in master or b"\r" in master:
        raise ValueError("the master secret has more than one line")
    least, most = MASTER_BYTES
    if not least <= len(master) <= most:
        raise ValueError(f"the master secret has {len(master)} bytes, not {least} to {most}")
    return master


def srt_passphrase(master: bytes, slug: str, key_id: str) -> str:
    """The passphrase of an encrypted SRT caller."""
    return _derived(master, ENCRYPTED_LABEL, slug, key_id)[:PASSPHRASE_LENGTH]


def rtmp_key(master: bytes, slug: str, key_id: str) -> str:
    """The stream key of an RTMP publisher, 43 characters."""
    return _derived(master, RTMP_KEY_LABEL, slug, key_id)


def signature(master: bytes, slug: str, key_id: str, expires_at: int, nonce: str) -> str:
    """The signature of a signed stream id, 43 characters; expires_at is in unix seconds."""
    return _derived(master, SIGNED_LABEL, slug, "publish", key_id, str(expires_at), nonce)


def _derived(master: bytes, *fields: str) -> str:
    """HMAC-SHA256 of the lines, as base64url without padding."""
    digest = hmac.digest(master, "\n".join(fields).encode("ascii"), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
