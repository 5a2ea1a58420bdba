"""Stream keys: bearer secrets, one stream each, that follow from the master secret; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from headend.model.credential import rtmp_key
from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.tables import StreamKeyRow, StreamRow

ROTATION = timedelta(hours=24)
"""How long a key that was rotated still lets in, so that nobody has to be at the encoder at that moment."""

ACTIVE_KEYS = 2
"""Per stream: the one in use and the one to move to. More would be forgotten ones."""


class KeyRingError(Exception):
    """A key cannot be made; the message is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """What may be shown of a stream key."""

    slug: str
    key_id: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    """The last moment at which it admits anybody."""
    revoked_at: datetime | None
    last_used_at: datetime | None = None
    gate: str = "always"
    """always, or events: only around the events of its stream, or around one event."""
    event_id: int | None = None

    def standing(self, now: datetime) -> str:
        """For people: active, active until, expired or revoked."""
        if self.revoked_at:
            return f"revoked {self.revoked_at:%Y-%m-%d %H:%M}"
        if self.expires_at is None:
            return "active"
        is_over = self.expires_at < now.replace(microsecond=0)
        return f"{'expired' if is_over else 'active until'} {self.expires_at:%Y-%m-%d %H:%M}"


class KeyRing:
    """The stream keys of every stream. Only who makes or shows a key needs the master secret."""

    def __init__(self, database: Database, clock: Clock, master: bytes | None = None) -> None:
        self._database = database
        self._clock = clock
        self._master = master

    def add(
        self,
        slug: str,
        label: str,
        expires_at: datetime | None = None,
        replace: bool = False,
        gate: str = "always",
        event_id: int | None = None,
    ) -> tuple[str, str]:
        """Make a key; returns (key_id, secret). `replace` revokes the older one where two are active.

        `gate` "events" lets it in only around its stream's events, with `event_id` only around that one.

        Raises KeyRingError without a master secret, and where two are active already.
        """
        if self._master is None:
            raise KeyRingError("There is no master secret on this host. A deploy makes it.")
        key_id = secrets.token_hex(4)
        secret = rtmp_key(self._master, slug, key_id)
        now = self._clock.now()
        active = select(StreamKeyRow).where(StreamKeyRow.slug == slug, is_active(now)).order_by(StreamKeyRow.created_at)
        with self._database.write() as db:
            rows = list(db.scalars(active.with_for_update()))
            surplus = rows[: len(rows) - ACTIVE_KEYS + 1] if len(rows) >= ACTIVE_KEYS else []
            if surplus and not replace:
                raise KeyRingError(
                    f"{slug}: {len(rows)} keys are active, {', '.join(row.key_id for row in rows)}. "
                    f"Revoke one first, or use --replace, which revokes the older ({surplus[-1].key_id})."
                )
            for row in surplus:
                row.revoked_at = now
            db.add(
                StreamKeyRow(
                    key_id=key_id,
                    slug=slug,
                    label=label,
                    secret_sha256=_digest(secret),
                    created_at=now,
                    # The admit list counts whole seconds; both must mean the same moment.
                    expires_at=expires_at.replace(microsecond=0) if expires_at else None,
                    gate=gate,
                    event_id=event_id,
                )
            )
        return key_id, secret

    def rotate(self, key_id: str, overlap: timedelta = ROTATION) -> tuple[str, str]:
        """A new key like this one, which expires after `overlap`; returns (key_id, secret) of the new one.

        Raises KeyRingError where the key is not active, and where another one is active beside it.
        """
        with self._database.read() as db:
            row = db.get(StreamKeyRow, key_id)
            old = _view(row) if row is not None else None
        now = self._clock.now()
        if old is None or self.active(old.slug, key_id) is None:
            raise KeyRingError(f"{key_id}: there is no such active key.")
        made = self.add(old.slug, old.label, old.expires_at, gate=old.gate, event_id=old.event_id)
        with self._database.write() as db:
            row = db.get_one(StreamKeyRow, key_id)
            end = (now + overlap).replace(microsecond=0)
            row.expires_at = min(row.expires_at, end) if row.expires_at else end
        return made

    def revoke(self, key_id: str) -> bool:
        """Stop admitting a key; False if there is no such key. A second time changes nothing."""
        with self._database.write() as db:
            row = db.get(StreamKeyRow, key_id)
            if row is None:
                return False
            row.revoked_at = row.revoked_at or self._clock.now()
            return True

    def why_not(self, slug: str, key_id: str) -> str | None:
        """Why this key may not be on air any more; None if it may."""
        now = self._clock.now()
        with self._database.read() as db:
            row = db.get(StreamKeyRow, key_id)
            if row is None or row.slug != slug:
                return "key is gone"
            if row.revoked_at is not None:
                return "key revoked"
            if row.expires_at is not None and row.expires_at < now.replace(microsecond=0):
                return "key expired"
        return None

    def get(self, key_id: str) -> KeyView | None:
        """One key, in whatever standing."""
        return next(iter(self._views(select(StreamKeyRow).where(StreamKeyRow.key_id == key_id))), None)

    def forget_event(self, db: Session, event_id: int) -> None:
        """An event is removed: keys that were for it alone let in no more."""
        for row in db.scalars(select(StreamKeyRow).where(StreamKeyRow.event_id == event_id)):
            row.event_id, row.revoked_at = None, row.revoked_at or self._clock.now()
        db.flush()

    def list(self, slug: str | None = None, *, owner: str | None = None) -> list[KeyView]:
        """Keys by stream and age, revoked and expired ones included; `owner`: only of the streams of that one."""
        query = select(StreamKeyRow).order_by(StreamKeyRow.slug, StreamKeyRow.created_at)
        if owner is not None:
            query = query.join(StreamRow, StreamRow.slug == StreamKeyRow.slug).where(StreamRow.owner == owner)
        if slug is not None:
            query = query.where(StreamKeyRow.slug == slug)
        return [*self._views(query)]

    def unrevoked(self) -> tuple[KeyView, ...]:
        """Keys that are not revoked, by stream and age; expired ones included."""
        query = select(StreamKeyRow).where(StreamKeyRow.revoked_at.is_(None))
        return self._views(query.order_by(StreamKeyRow.slug, StreamKeyRow.created_at))

    def active(self, slug: str, key_id: str) -> KeyView | None:
        """The stream's key with this id, if it admits anybody now."""
        one = (StreamKeyRow.slug == slug, StreamKeyRow.key_id == key_id)
        return next(iter(self._views(select(StreamKeyRow).where(*one, is_active(self._clock.now())))), None)

    def has_derived_secret(self, slug: str, key_id: str) -> bool:
        """Whether the key's secret follows from the master secret; older ones were random and cannot be shown again."""
        if self._master is None:
            return False
        with self._database.read() as db:
            row = db.get(StreamKeyRow, key_id)
            derived = _digest(rtmp_key(self._master, slug, key_id))
            return row is not None and hmac.compare_digest(row.secret_sha256, derived)

    def match(self, slug: str, secret: str) -> KeyView | None:
        """The stream's active key with this secret. Looks at every key, each in constant time."""
        offered, found = _digest(secret), None
        active = select(StreamKeyRow).where(StreamKeyRow.slug == slug, is_active(self._clock.now()))
        with self._database.read() as db:
            for row in db.scalars(active):
                if hmac.compare_digest(row.secret_sha256, offered):
                    found = _view(row)
        return found

    def _views(self, query: Select[StreamKeyRow]) -> tuple[KeyView, ...]:
        with self._database.read() as db:
            return tuple(_view(row) for row in db.scalars(query))


def is_active(now: datetime) -> ColumnElement[bool]:
    """Neither revoked nor expired."""
    unexpired = or_(StreamKeyRow.expires_at.is_(None), StreamKeyRow.expires_at >= now.replace(microsecond=0))
    return and_(StreamKeyRow.revoked_at.is_(None), unexpired)


def _view(row: StreamKeyRow) -> KeyView:
    return KeyView(
        slug=row.slug,
        key_id=row.key_id,
        label=row.label,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        gate=row.gate,
        event_id=row.event_id,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
