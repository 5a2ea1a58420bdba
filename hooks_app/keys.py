"""Stream keys: random bearer secrets, one stream each, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.tables import StreamKeyRow

SECRET_BYTES = 32
"""256 random bits: a fast hash is enough, slow ones are for secrets that people choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """What may be shown of a stream key."""

    slug: str
    key_id: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


class KeyRing:
    """The stream keys of every stream."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, slug: str, label: str) -> tuple[str, str]:
        """Make a key; returns (key_id, secret). The secret exists only in this return value."""
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(SECRET_BYTES)
        with self._database.write() as db:
            db.add(
                StreamKeyRow(
                    key_id=key_id,
                    slug=slug,
                    label=label,
                    secret_sha256=_digest(secret),
                    created_at=self._clock.now(),
                )
            )
        return key_id, secret

    def revoke(self, key_id: str) -> bool:
        """Stop admitting a key; False if there is no such key. A second time changes nothing."""
        with self._database.write() as db:
            row = db.get(StreamKeyRow, key_id)
            if row is None:
                return False
            row.revoked_at = row.revoked_at or self._clock.now()
            return True

    def list(self, slug: str | None = None) -> list[KeyView]:
        """Keys by stream and age, revoked ones included."""
        query = select(StreamKeyRow).order_by(StreamKeyRow.slug, StreamKeyRow.created_at)
        if slug is not None:
            query = query.where(StreamKeyRow.slug == slug)
        with self._database.read() as db:
            return [
                KeyView(
                    slug=row.slug,
                    key_id=row.key_id,
                    label=row.label,
                    created_at=row.created_at,
                    revoked_at=row.revoked_at,
                )
                for row in db.scalars(query)
            ]

    def match(self, slug: str, secret: str) -> str | None:
        """The id of the stream's active key with this secret. Looks at every key, each in constant time."""
        offered, found = _digest(secret), None
        active = select(StreamKeyRow).where(StreamKeyRow.slug == slug, StreamKeyRow.revoked_at.is_(None))
        with self._database.read() as db:
            for row in db.scalars(active):
                if hmac.compare_digest(row.secret_sha256, offered):
                    found = row.key_id
        return found


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
