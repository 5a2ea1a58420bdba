"""Upkeep of the queue: what is too late, what lost its worker, and what a clock that was set has spoiled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from hooks_app.announcement_tables import MessageRow, PlaceRow
from hooks_app.announcer.message_rows import finish, reclaim
from hooks_app.database import Database

STEP = timedelta(seconds=5)
"""A time of the past that lies so far ahead was written before the clock was set back."""
QUEUED = MessageRow.state == "queued"


def tidy(database: Database, now: datetime) -> None:
    """Drop what is too late, take back what lost its worker, mend times. Raises SQLAlchemyError."""
    late = QUEUED & (MessageRow.not_after < now)
    lost = (MessageRow.state == "leased") & (MessageRow.leased_until < now)
    stepped = MessageRow.state.in_(["queued", "leased"]) & (MessageRow.attempted_at > now + STEP)
    unborn = and_(
        QUEUED,
        MessageRow.attempted_at.is_(None),
        MessageRow.held.is_(False),
        MessageRow.made_at > now + STEP,
        MessageRow.due_at > now,
    )
    with database.read() as db:
        anything = select(MessageRow.id).where(or_(late, lost, stepped, unborn)).limit(1)
        held = select(PlaceRow.name).where(PlaceRow.hold_until.is_not(None)).limit(1)
        quiet = list(db.scalars(select(PlaceRow.name).where(PlaceRow.muted_until > now)))
        idle = db.scalar(anything) is None and db.scalar(held) is None and not quiet
    if idle:
        return
    with database.write() as db:
        for row in _locked(db, late):
            reason = f"too late; {row.reason}" if row.reason else "too late"
            finish(row, "dropped", now, status=row.status, reason=reason)
        if quiet:
            for row in _locked(db, QUEUED & MessageRow.destination.in_(quiet)):
                finish(row, "dropped", now, status=None, reason="muted")
        reclaim(db, MessageRow.leased_until < now, now)
        for row in _locked(db, unborn):
            row.due_at = now
        for row in _locked(db, stepped):
            # The durations were right, the times are not any more.
            ahead = (row.attempted_at or now) - now
            row.attempted_at, row.due_at = now, row.due_at - ahead
            row.leased_until = row.leased_until - ahead if row.leased_until else None
        paused = select(PlaceRow).where(PlaceRow.hold_until.is_not(None)).with_for_update(skip_locked=True)
        for place in db.scalars(paused):
            _mend_pause(place, now)


def _locked(db: Session, which: ColumnElement[bool]) -> Sequence[MessageRow]:
    """Rows that no worker is busy with; what it does to the others is newer than what was read here."""
    return db.scalars(select(MessageRow).where(which).with_for_update(skip_locked=True)).all()


def _mend_pause(place: PlaceRow, now: datetime) -> None:
    if place.hold_until is None or place.hold_until <= now:
        place.hold_until = place.hold_since = None
    elif place.hold_since is not None and place.hold_since > now + STEP:
        # The clock was set back: the place asked for so long a pause, not for a longer one.
        place.hold_since, place.hold_until = now, now + (place.hold_until - place.hold_since)
