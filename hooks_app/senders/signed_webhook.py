"""Signed webhooks: Standard Webhooks 1.0 (standardwebhooks.com), HMAC-SHA256; by two keys while one is rotated."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

from headend.announcing.payload import Payload
from hooks_app.outbound import Outbound
from hooks_app.senders.http import outcome_of
from hooks_app.senders.outcome import Outcome
from hooks_app.senders.secret import SecretError

KEY_PREFIX = "whsec_"
KEY_BYTES = (24, 64)


def send(outbound: Outbound, url: str, keys: Sequence[str], payload: Payload, now: datetime) -> Outcome:
    """Send it, signed by every key. Raises SecretError, and what `Outbound.send` raises."""
    body = payload.model_dump_json().encode()
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Headend",
        "webhook-id": payload.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(key, payload.id, timestamp, body) for key in keys),
    }
    return outcome_of(outbound.send("POST", url, body, headers))


def signature(key: str, uid: str, timestamp: str, body: bytes) -> str:
    """v1 and the signature in base64. Raises SecretError for a key that is none."""
    digest = hmac.digest(read_key(key), b".".join((uid.encode(), timestamp.encode(), body)), "sha256")
    return f"v1,{b64encode(digest).decode()}"


def read_key(key: str) -> bytes:
    """The bytes of a key. Raises SecretError."""
    try:
        read = b64decode(key.removeprefix(KEY_PREFIX), validate=True)
    except ValueError:
        read = b""
    least, most = KEY_BYTES
    if not least <= len(read) <= most:
        raise SecretError(f"the signing key is not {KEY_PREFIX} and {least} to {most} bytes in base64")
    return read
