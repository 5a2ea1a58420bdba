"""Who is on air and may not be any more: a revoked or expired key and a kick end a session, within a second or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hooks_app.dropper import DropError, Dropper
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger

LOOK_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcer:
    """Cuts publishers. What follows (the session's end, the end tags) is the hooks' and the reconcile loop's."""

    ledger: Ledger
    keys: KeyRing
    dropper: Dropper

    def look(self) -> float:
        """One look; returns the seconds until the next. Raises SQLAlchemyError."""
        for slug, session in self.ledger.own_sessions().items():
            if session.admitted_at is None or not session.has_publisher:
                continue
            reason = session.ending
            if reason is None:
                key_id = session.publisher.key_id
                if key_id is not None:
                    reason = self.keys.why_not(slug, key_id)
                else:
                    reason = self.keys.why_nobody(slug, session.admitted_at)
                if reason is not None:
                    self.ledger.condemn(slug, reason)
            if reason is not None:
                self._drop(slug, reason)
        return LOOK_SECONDS

    def kick(self, slug: str, reason: str, also: Callable[[Session, bool], None] | None = None) -> bool:
        """End what is on air, on whichever host; False where nothing is. Its key is not let in for a while.

        `also` is called in the transaction that says so, with whether anything was on air. Raises SQLAlchemyError.
        """
        session = self.ledger.condemn(slug, f"kicked: {reason}" if reason else "kicked", also)
        if session is None:
            return False
        # Another host's enforcer sees it in the database.
        if session.has_publisher and self.ledger.is_own(session):
            self._drop(slug, "kicked")
        return True

    def enforce(self) -> None:
        """Look now: a key was just revoked. What fails, the next look tries again."""
        try:
            self.look()
        except SQLAlchemyError as error:
            log.error("not enforced", error=type(error).__name__)

    def _drop(self, slug: str, reason: str) -> None:
        try:
            if self.dropper.drop(slug):
                log.info("publisher dropped", stream=slug, reason=reason)
        except DropError as error:
            log.error("publisher not dropped", stream=slug, error=str(error))
