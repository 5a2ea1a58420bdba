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
        db: Session,
        slug: str,
        label: str,
        expires_at: datetime | None = None,
        replace: bool = False,
        gate: str = "always",
        event_id: int | None = None,
    ) -> tuple[KeyView, str]:
        """Make a key in the caller's transaction; returns it and its secret, which nobody may see before the commit.

        `replace` revokes the older one where two are active. `gate` "events" lets it in only around its stream's
        events, with `event_id` only around that one. Raises KeyRingError without a master secret, and where two are
        active already.
        """
        if self._master is None:
            raise KeyRingError("There is no master secret on this host. A deploy makes it.")
        key_id = secrets.token_hex(4)
        secret = rtmp_key(self._master, slug, key_id)
        now = self._clock.now()
        active = select(StreamKeyRow).where(StreamKeyRow.slug == slug, is_active(now)).order_by(StreamKeyRow.created_at)
        rows = list(db.scalars(active.with_for_update()))
        surplus = rows[: len(rows) - ACTIVE_KEYS + 1] if len(rows) >= ACTIVE_KEYS else []
        if surplus and not replace:
            raise KeyRingError(
                f"{slug}: {len(rows)} keys are active, {', '.join(row.key_id for row in rows)}. "
                f"Revoke one first, or use --replace, which revokes the older ({surplus[-1].key_id})."
            )
        for row in surplus:
            row.revoked_at = now
        stream = db.get(StreamRow, slug)
        made = StreamKeyRow(
            key_id=key_id,
            slug=slug,
            owner=stream.owner if stream is not None else None,
            label=label,
            secret_sha256=_digest(secret),
            created_at=now,
            # The admit list counts whole seconds; both must mean the same moment.
            expires_at=expires_at.replace(microsecond=0) if expires_at else None,
            gate=gate,
            event_id=event_id,
        )
        db.add(made)
        db.flush()
        return view_of(made), secret

    def rotate(self, db: Session, key_id: str, overlap: timedelta = ROTATION) -> tuple[KeyView, str]:
        """A new key like this one, which expires after `overlap`; returns the new one and its secret, as `add` does.

        Raises KeyRingError where the key is not active, and where another one is active beside it.
        """
        now = self._clock.now()
        old = db.scalars(select(StreamKeyRow).where(StreamKeyRow.key_id == key_id, is_active(now))).one_or_none()
        if old is None:
            raise KeyRingError(f"{key_id}: there is no such active key.")
        made = self.add(db, old.slug, old.label, old.expires_at, gate=old.gate, event_id=old.event_id)
        end = (now + overlap).replace(microsecond=0)
        old.expires_at = min(old.expires_at, end) if old.expires_at else end
        db.flush()
        return made

    def revoke(self, db: Session, key_id: str) -> KeyView | None:
        """Stop admitting a key, from the commit on; None if there is no such key. A second time changes nothing."""
        row = db.get(StreamKeyRow, key_id)
        if row is None:
            return None
        row.revoked_at = row.revoked_at or self._clock.now()
        return view_of(row)

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

    def why_nobody(self, slug: str, since: datetime) -> str | None:
        """Why a publisher whose key is not known may not be on air any more: it may have been any key of its stream."""
        now = self._clock.now().replace(microsecond=0)
        revoked = StreamKeyRow.revoked_at >= since
        expired = and_(StreamKeyRow.expires_at >= since.replace(microsecond=0), StreamKeyRow.expires_at < now)
        query = select(StreamKeyRow).where(StreamKeyRow.slug == slug, or_(revoked, expired)).limit(1)
        with self._database.read() as db:
            row = db.scalars(query).one_or_none()
            if row is None:
                return None
            return f"a key of the stream {'revoked' if row.revoked_at else 'expired'}, its own unknown"

    def forget_event(self, db: Session, event_id: int) -> None:
        """An event is removed: keys that were for it alone let in no more."""
        for row in db.scalars(select(StreamKeyRow).where(StreamKeyRow.event_id == event_id)):
            row.event_id, row.revoked_at = None, row.revoked_at or self._clock.now()
        db.flush()

    def list(self, slug: str | None = None, *, owner: str | None = None) -> list[KeyView]:
        """Keys by stream and age, revoked and expired ones included; `owner`: only of the streams of that one."""
        return [*self._views(keys_of(slug, owner).order_by(StreamKeyRow.slug, StreamKeyRow.created_at))]

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
                    found = view_of(row)
        return found

    def _views(self, query: Select[StreamKeyRow]) -> tuple[KeyView, ...]:
        with self._database.read() as db:
            return tuple(view_of(row) for row in db.scalars(query))


def keys_of(slug: str | None, owner: str | None) -> Select[StreamKeyRow]:
    """The keys of a stream, and only an owner's own of its streams, none of an owner before; None: of all."""
    query = select(StreamKeyRow)
    if owner is not None:
        own = or_(StreamKeyRow.owner.is_(None), StreamKeyRow.owner == owner)
        query = query.join(StreamRow, StreamRow.slug == StreamKeyRow.slug).where(StreamRow.owner == owner, own)
    return query if slug is None else query.where(StreamKeyRow.slug == slug)


def is_active(now: datetime) -> ColumnElement[bool]:
    """Neither revoked nor expired."""
    unexpired = or_(StreamKeyRow.expires_at.is_(None), StreamKeyRow.expires_at >= now.replace(microsecond=0))
    return and_(StreamKeyRow.revoked_at.is_(None), unexpired)


def view_of(row: StreamKeyRow) -> KeyView:
    """A copy of a row, for use outside its transaction."""
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
