"""When a stream is removed or becomes another owner's: what the one before could do there ends, in one transaction.

A show that is on air is not cut: its key lets in until its session is over, then ends as the others did. A stream that
leaves the spec keeps its keys, which let nobody in meanwhile: it may be back, with the same owner, at the next deploy.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from hooks_app import events
from hooks_app.audit import note
from hooks_app.here import Stamp
from hooks_app.states import State, Trigger
from hooks_app.tables import EventRow, ScheduleRow, SessionRow, StreamKeyRow, StreamRow

BY_SPEC: Final = "spec"
"""The actor of what follows from the spec."""
REMOVED: Final = "stream removed"
OWNER_CHANGED: Final = "stream has another owner"

log = structlog.get_logger(__name__)


def release(db: Session, stream: StreamRow, stamp: Stamp, *, actor: str, reason: str, keys_too: bool = True) -> None:
    """Revoke a stream's keys, cancel its schedules and planned events. To be called while the row has its old owner."""
    on_air = db.scalars(
        select(SessionRow).where(SessionRow.slug == stream.slug, SessionRow.ended_at.is_(None))
    ).one_or_none()
    revoked = 0
    for key in _unrevoked(db, stream.slug) if keys_too else ():
        key.owner = key.owner or stream.owner
        # Of a publisher that was found on air nobody knows by which key it came.
        spared = on_air is not None and on_air.key_id in (None, key.key_id)
        if not spared:
            _revoke(db, key, stamp, actor=actor, reason=reason)
            revoked += 1
    of_stream = select(ScheduleRow).where(ScheduleRow.slug == stream.slug, ScheduleRow.cancelled_at.is_(None))
    schedules = list(db.scalars(of_stream))
    for row in schedules:
        row.cancelled_at, row.updated_at, row.version = stamp.at, stamp.at, row.version + 1
        note(db, actor=actor, action="schedule.cancel", target=row.id, owner=row.owner, now=stamp.at, reason=reason)
    planned = select(EventRow).where(EventRow.slug == stream.slug, EventRow.state == State.SCHEDULED)
    cancelled = [events.move(db, row, Trigger.CANCELLED, stamp, "cancelled") for row in db.scalars(planned)]
    db.flush()
    log.warning(
        "stream released",
        stream=stream.slug,
        owner=stream.owner,
        reason=reason,
        keys_revoked=revoked,
        schedules_cancelled=len(schedules),
        events_cancelled=len(cancelled),
        on_air=on_air is not None,
    )


def after_session(db: Session, session: SessionRow, stamp: Stamp) -> None:
    """A session is over: what was let be for its sake ends with it, and never a key of the new owner."""
    stream = db.get(StreamRow, session.slug)
    if stream is None:
        return
    for key in _unrevoked(db, session.slug):
        if stream.removed_at is not None and not stream.declared:
            _revoke(db, key, stamp, actor=BY_SPEC, reason=REMOVED)
        elif key.owner is not None and key.owner != stream.owner:
            _revoke(db, key, stamp, actor=BY_SPEC, reason=OWNER_CHANGED)


def _unrevoked(db: Session, slug: str) -> list[StreamKeyRow]:
    return list(db.scalars(select(StreamKeyRow).where(StreamKeyRow.slug == slug, StreamKeyRow.revoked_at.is_(None))))


def _revoke(db: Session, key: StreamKeyRow, stamp: Stamp, *, actor: str, reason: str) -> None:
    key.revoked_at = stamp.at
    note(db, actor=actor, action="key.revoke", target=key.key_id, owner=key.owner, now=stamp.at, reason=reason)
