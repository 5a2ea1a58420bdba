"""Who changed what: a row in the transaction of the change, and never changed again."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hooks_app.tables import AuditRow

ACTOR_LENGTH = 48
TARGET_LENGTH = 120


def on_host() -> str:
    """The actor of a command on the host: only root may run it, and sudo says who became root."""
    return f"host:{os.environ.get('SUDO_USER') or 'root'}"[:ACTOR_LENGTH]


def note(
    db: Session, *, actor: str, action: str, target: object, owner: str | None, now: datetime, **detail: Any
) -> None:
    """Add a row. `action` is thing and verb, e.g. key.revoke; `detail` never holds a secret."""
    db.add(AuditRow(at=now, actor=actor, owner=owner, action=action, target=str(target)[:TARGET_LENGTH], detail=detail))
