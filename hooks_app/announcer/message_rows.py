"""One message's row, and its place's: what is done with them within a transaction of the queue."""

from __future__ import annotations

import os
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from hooks_app.announcement_tables import MessageRow, PlaceRow
from hooks_app.announcer.backoff import MAX_ATTEMPTS
from hooks_app.announcer.message import Message
from hooks_app.senders.outcome import REASON_LENGTH


def place_of(db: Session, name: str) -> PlaceRow:
    """A destination's row, locked; made where there is none."""
    row = db.get(PlaceRow, name, with_for_update=True)
    if row is None:
        row = PlaceRow(name=name)
        db.add(row)
        db.flush()
    return row


def finish(row: MessageRow, state: str, now: datetime, *, status: int | None, reason: str | None) -> None:
    """Nothing more is done with it. What an attempt before may have brought is neither dead nor dropped: uncertain."""
    if row.repeated and row.attempts and state in {"dead", "dropped"}:
        state = "uncertain"
    row.state, row.finished_at, row.status = state, now, status
    row.reason = reason[:REASON_LENGTH] if reason else None


def unattempted(row: MessageRow) -> None:
    """It was claimed, and nothing was sent."""
    row.attempts -= 1
    if row.attempts == 0:
        row.attempted_at = None


def message_of(db: Session, row: MessageRow) -> Message:
    """What a worker sends. Raises ValueError where another release wrote a story that this one cannot read."""
    return Message(
        id=row.id,
        uid=row.uid,
        destination=row.destination,
        part=row.part,
        occasion=Occasion(row.occasion),
        story=Story.of_kept(row.story),
        made_at=row.made_at,
        attempts=row.attempts,
        repeated=row.repeated,
        earlier=_earlier(db, row),
    )


def reclaim(db: Session, which: ColumnElement[bool], now: datetime) -> int:
    """Take back the leased ones of `which`; returns how many."""
    # Not one whose outcome is just being written down.
    leased = select(MessageRow).where(MessageRow.state == "leased", which).with_for_update(skip_locked=True)
    rows = list(db.scalars(leased))
    for row in rows:
        # Nobody knows whether it was sent: it is sent again, and says so.
        row.repeated, row.leased_by, row.leased_until = True, None, None
        if row.attempts >= MAX_ATTEMPTS:
            finish(row, "uncertain", now, status=None, reason="the worker was lost, again and again")
        else:
            row.state, row.due_at, row.reason = "queued", now, "the worker was lost"
    return len(rows)


def lives(worker: str) -> bool:
    """Whether the process of that name still is; a number that another one has by now is waited for like a lease."""
    pid = worker.rpartition(":")[2]
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False
    return True


def _earlier(db: Session, row: MessageRow) -> str | None:
    """The receipt of what this one changes: of the live post of its session, or of its event's entry in a calendar."""
    if row.part == "post" and row.occasion != Occasion.ENDED:
        return None
    query = select(MessageRow.receipt).where(
        MessageRow.destination == row.destination,
        MessageRow.part == row.part,
        MessageRow.id < row.id,
        MessageRow.receipt.is_not(None),
    )
    if row.part == "calendar":
        query = query.where(MessageRow.event_id == row.event_id)
    else:
        query = query.where(MessageRow.session_id == row.session_id, MessageRow.occasion == Occasion.LIVE)
    return db.scalar(query.order_by(MessageRow.id.desc()).limit(1))
