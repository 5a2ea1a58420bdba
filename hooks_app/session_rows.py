"""One session's row: what may happen to it, within the transaction of whoever asks.

What happens to a session happens to its event, and is written into the history, at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from hooks_app import events, handover
from hooks_app.here import Stamp
from hooks_app.history import REASON_LENGTH, record
from hooks_app.publisher import Publisher
from hooks_app.states import TRANSITIONS, State, Trigger, after
from hooks_app.tables import EventRow, SessionRow, StreamRow


def begin(db: Session, slug: str, client_id: int, publisher: Publisher, stamp: Stamp) -> SessionRow:
    """A new session, whose publisher is not let in yet."""
    stream = db.get(StreamRow, slug)
    row = SessionRow(
        slug=slug,
        owner=stream.owner if stream is not None else None,
        client_id=client_id,
        state=TRANSITIONS[State.OFFLINE, Trigger.PUBLISH].value,
        since=stamp.at,
        started_at=stamp.at,
        protocol=publisher.protocol.value,
        key_id=publisher.key_id,
        peer=publisher.peer,
        mode=publisher.mode,
        nonce=publisher.nonce,
        host=stamp.host,
        boot_id=stamp.boot_id,
        started_monotonic=stamp.monotonic,
        interruptions=0,
    )
    db.add(row)
    db.flush()
    _record(db, row, State.OFFLINE, Trigger.PUBLISH, None, stamp)
    return row


def lose(db: Session, row: SessionRow, stamp: Stamp, reason: str | None) -> bool:
    """The publisher is gone: the grace runs, unless the session never was on air or is not to go on."""
    if row.ending is not None or row.state == State.STARTING:
        return end(db, row, stamp, row.ending or reason)
    if row.publisher_lost_at is not None or not move(db, row, Trigger.LOST, stamp, reason):
        return False
    row.publisher_lost_at, row.publisher_lost_monotonic, row.reason = stamp.at, stamp.monotonic, _short(reason)
    if row.boot_id != stamp.boot_id:
        # The host was booted meanwhile: its two monotonic clocks do not compare.
        row.boot_id, row.started_monotonic = stamp.boot_id, None
    return True


def end(db: Session, row: SessionRow, stamp: Stamp, reason: str | None) -> bool:
    """It is over; False where that means nothing any more."""
    if not move(db, row, Trigger.OVER, stamp, reason):
        return False
    row.ended_at, row.reason = stamp.at, _short(reason)
    row.ended_monotonic = stamp.monotonic if row.boot_id == stamp.boot_id else None
    handover.after_session(db, row, stamp)
    return True


def move(db: Session, row: SessionRow, trigger: Trigger, stamp: Stamp, reason: str | None) -> bool:
    """Apply a trigger to the session and its event; False where it means nothing any more."""
    before = State(row.state)
    following = after(before, trigger)
    if following is None:
        return False
    row.state = following.value
    if following is not before:
        row.since = stamp.at
    if following is State.LIVE:
        row.live_at = row.live_at or stamp.at
    if before is State.LIVE and following is State.INTERRUPTED:
        row.interruptions += 1
    _record(db, row, before, trigger, reason, stamp)
    if row.event_id is not None:
        events.move(db, db.get_one(EventRow, row.event_id), trigger, stamp, reason)
    return True


def segment_names(newest: Sequence[str | None]) -> list[str]:
    """The media playlists' last segments as the row keeps them: no segment is an empty name."""
    return [name or "" for name in newest]


def open_sessions() -> Select[SessionRow]:
    """Those that are not over, of every host."""
    return select(SessionRow).where(SessionRow.ended_at.is_(None))


def latest_sessions(db: Session) -> list[SessionRow]:
    """Each stream's latest session, attempts that were refused left out."""
    on_air = or_(SessionRow.ended_at.is_(None), SessionRow.admitted_at.is_not(None))
    newest = select(func.max(SessionRow.id)).where(on_air).group_by(SessionRow.slug)
    return list(db.scalars(select(SessionRow).where(SessionRow.id.in_(newest))))


def _record(db: Session, row: SessionRow, before: State, trigger: Trigger, reason: str | None, stamp: Stamp) -> None:
    record(
        db,
        slug=row.slug,
        subject="session",
        session_id=row.id,
        event_id=row.event_id,
        before=before,
        after=State(row.state),
        trigger=trigger,
        reason=reason,
        stamp=stamp,
    )


def _short(reason: str | None) -> str | None:
    return reason[:REASON_LENGTH] if reason else None
