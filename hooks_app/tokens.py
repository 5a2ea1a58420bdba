"""Bearer tokens of the API: 256 random bits, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.roles import Role
from hooks_app.tables import ApiTokenRow

PREFIX = "hdt"
"""So that a secret scanner knows one when it sees one."""
NOTED = timedelta(minutes=1)
"""How often the last use is written: a token that asks ten times a second writes once a minute."""
_TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{8}})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever a valid token stands for."""

    token_id: str
    role: Role
    owner: str | None
    """None: of every owner."""

    @property
    def actor(self) -> str:
        """As the audit names it."""
        return f"token:{self.token_id}"

    def may_see(self, owner: str | None) -> bool:
        """Whether a thing of this owner is there for the caller at all."""
        return self.owner is None or self.owner == owner


class Tokens:
    """Makes, checks and revokes tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self, db: Session, *, role: Role, label: str, owner: str | None = None, expires_at: datetime | None = None
    ) -> tuple[ApiTokenRow, str]:
        """Make a token; the text is shown once and kept nowhere."""
        secret = secrets.token_urlsafe(32)
        row = ApiTokenRow(
            token_id=secrets.token_hex(4),
            label=label,
            secret_sha256=_digest(secret),
            role=role.value,
            owner=owner,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        db.add(row)
        db.flush()
        return row, f"{PREFIX}_{row.token_id}_{secret}"

    def revoke(self, db: Session, token_id: str) -> ApiTokenRow | None:
        """Stop a token; None if there is no such one. A second time changes nothing."""
        row = db.get(ApiTokenRow, token_id)
        if row is not None:
            row.revoked_at = row.revoked_at or self._clock.now()
        return row

    def all(self) -> list[ApiTokenRow]:
        """Every token, oldest first."""
        with self._database.read() as db:
            return list(db.scalars(select(ApiTokenRow).order_by(ApiTokenRow.created_at)))

    def caller(self, text: str) -> Caller | None:
        """Whom a token stands for; None for one that is unknown, revoked or expired. Raises SQLAlchemyError."""
        parts = _TOKEN.fullmatch(text)
        if parts is None:
            return None
        now = self._clock.now()
        with self._database.read() as db:
            row = db.get(ApiTokenRow, parts.group(1))
            # Compared in any case, so that time does not tell which ids there are.
            known = row.secret_sha256 if row is not None else bytes(32)
            if not hmac.compare_digest(known, _digest(parts.group(2))) or row is None:
                return None
            if row.revoked_at is not None or (row.expires_at is not None and row.expires_at < now):
                return None
            caller = Caller(token_id=row.token_id, role=Role(row.role), owner=row.owner)
            is_noted = row.last_used_at is not None and now - NOTED < row.last_used_at <= now
        if not is_noted:
            # That it cannot be written down is no reason to refuse somebody who only reads.
            with suppress(SQLAlchemyError):
                self._note(caller.token_id, now)
        return caller

    def _note(self, token_id: str, now: datetime) -> None:
        with self._database.write() as db:
            db.get_one(ApiTokenRow, token_id).last_used_at = now


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
