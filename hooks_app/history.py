"""The history: every change of a state, written in the transaction that makes it, and never changed again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hooks_app import occasions
from hooks_app.database import Database
from hooks_app.here import Stamp
from hooks_app.states import State, Trigger
from hooks_app.tables import TransitionRow

REASON_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of a state."""

    id: int
    """Ascending in the order in which the changes became visible."""
    at: datetime
    slug: str
    subject: str
    """session or event."""
    session_id: int | None
    event_id: int | None
    before: State
    after: State
    trigger: Trigger
    reason: str | None
    host: str


def record(
    db: Session,
    *,
    slug: str,
    subject: str,
    session_id: int | None,
    event_id: int | None,
    before: State,
    after: State,
    trigger: Trigger,
    reason: str | None,
    stamp: Stamp,
) -> None:
    """Add a change to the history, and what it is an occasion for; both are there if and only if the transaction is."""
    db.add(
        TransitionRow(
            at=stamp.at,
            slug=slug,
            subject=subject,
            session_id=session_id,
            event_id=event_id,
            before=before.value,
            after=after.value,
            trigger=trigger.value,
            reason=reason[:REASON_LENGTH] if reason else None,
            host=stamp.host,
            boot_id=stamp.boot_id,
            monotonic=stamp.monotonic,
        )
    )
    for occasion in occasions.of_change(subject, before, after, trigger):
        occasions.note(db, occasion, slug=slug, at=stamp.at, event_id=event_id, session_id=session_id)


class History:
    """Reads the history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest_id(self) -> int:
        """Of the last change; 0 where there is none."""
        with self._database.read() as db:
            return db.scalar(select(func.max(TransitionRow.id))) or 0

    def after(self, transition_id: int, limit: int) -> list[Transition]:
        """The changes that follow one, oldest first."""
        following = select(TransitionRow).where(TransitionRow.id > transition_id).order_by(TransitionRow.id)
        with self._database.read() as db:
            return [_view(row) for row in db.scalars(following.limit(limit))]


def _view(row: TransitionRow) -> Transition:
    return Transition(
        id=row.id,
        at=row.at,
        slug=row.slug,
        subject=row.subject,
        session_id=row.session_id,
        event_id=row.event_id,
        before=State(row.before),
        after=State(row.after),
        trigger=Trigger(row.trigger),
        reason=row.reason,
        host=row.host,
    )
