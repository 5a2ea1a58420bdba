"""Events: planned broadcasts, and those that a publisher makes by coming without one.

An event's state changes only by `move`, which is where a session's changes arrive (hooks_app/ledger.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from hooks_app import occasions
from hooks_app.database import Database
from hooks_app.here import Here, Stamp
from hooks_app.history import REASON_LENGTH, record
from hooks_app.states import OVER_STATES, State, Trigger, after
from hooks_app.tables import EventRow, StreamRow

LONGEST = timedelta(days=14)
"""A window that is longer is a mistake in a date."""


class PlanError(ValueError):
    """A plan that cannot be; the message is one sentence for people."""


class StaleError(Exception):
    """Somebody else has changed it since it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """What an event and a schedule have in common."""

    title: str
    description: str = ""
    poster_url: str | None = None
    overlays: Mapping[str, str]
    destinations: Mapping[str, bool]
    countdown_minutes: Sequence[int] | None = None
    """How long before the start it is told; None: as the spec says."""


def event_for_publish(db: Session, slug: str, now: datetime, lead_seconds: float) -> EventRow | None:
    """The event that a publisher comes for: planned, or ended with its window still open. The nearest start first.

    Of the stream's owner as it is now: what another one had before is not taken up again.
    """
    ready = or_(
        EventRow.state == State.SCHEDULED,
        and_(EventRow.state == State.ENDED, EventRow.reason.is_distinct_from("cancelled"), EventRow.ad_hoc.is_(False)),
    )
    owner = select(StreamRow.owner).where(StreamRow.slug == slug).scalar_subquery()
    query = select(EventRow).where(EventRow.slug == slug, EventRow.owner == owner, ready)
    query = query.where(window_holds(now, lead_seconds))
    rows = list(db.scalars(query))
    return min(rows, key=lambda row: (abs(row.starts_at - now), row.id), default=None)


def window_holds(now: datetime, lead_seconds: float) -> ColumnElement[bool]:
    """Whether `now` lies between an event's start, less the lead, and its end."""
    return and_(EventRow.starts_at <= now + timedelta(seconds=lead_seconds), EventRow.ends_at >= now)


def ad_hoc(db: Session, *, slug: str, owner: str, title: str, now: datetime) -> EventRow:
    """An event that a publisher makes by coming; it is still to be moved."""
    row = EventRow(
        slug=slug,
        owner=owner,
        title=title,
        description="",
        overlays={},
        destinations={},
        starts_at=now,
        ends_at=None,
        state=State.SCHEDULED.value,
        since=now,
        ad_hoc=True,
        created_at=now,
        updated_at=now,
        edited=False,
        version=1,
    )
    db.add(row)
    db.flush()
    return row


def move(db: Session, row: EventRow, trigger: Trigger, stamp: Stamp, reason: str | None = None) -> bool:
    """Apply a trigger to an event; False where it means nothing any more."""
    before = State(row.state)
    following = after(before, trigger)
    if following is None:
        return False
    if following is not before:
        row.state, row.since, row.version = following.value, stamp.at, row.version + 1
        row.updated_at = stamp.at
        row.reason = reason[:REASON_LENGTH] if reason and following in OVER_STATES else None
    if row.ad_hoc and following in OVER_STATES:
        row.ends_at = stamp.at
    record(
        db,
        slug=row.slug,
        subject="event",
        session_id=None,
        event_id=row.id,
        before=before,
        after=following,
        trigger=trigger,
        reason=reason,
        stamp=stamp,
    )
    return True


def check_window(db: Session, slug: str, starts_at: datetime, ends_at: datetime, *, but: int | None = None) -> None:
    """Raises PlanError for a window that is none, and for one that another event of the stream has a part of."""
    if ends_at <= starts_at:
        raise PlanError("ends_at is not after starts_at.")
    if ends_at - starts_at > LONGEST:
        raise PlanError(f"The window is longer than {LONGEST.days} days.")
    overlap = and_(EventRow.slug == slug, EventRow.starts_at < ends_at, EventRow.ends_at > starts_at)
    planned = EventRow.state.in_([State.SCHEDULED, State.STARTING, State.LIVE, State.INTERRUPTED])
    others = select(EventRow).where(overlap, planned, EventRow.id != (but or 0)).order_by(EventRow.starts_at).limit(1)
    other = db.scalars(others).one_or_none()
    if other is not None:
        start = f"{other.starts_at:%Y-%m-%d %H:%M} UTC"
        raise PlanError(f"{slug} has event {other.id} ({other.title!r}) at that time, from {start}.")


class Events:
    """Plans events; every method is one transaction of its own unless it is given one."""

    def __init__(self, database: Database, here: Here) -> None:
        self._database = database
        self._here = here

    def window_open(self, slug: str, now: datetime, lead_seconds: float, *, event_id: int | None = None) -> bool:
        """Whether an event's publisher may come now; with `event_id` only that event counts."""
        with self._database.read() as db:
            if self._on_air(db, slug, event_id):
                return True
            if event_id is None:
                return event_for_publish(db, slug, now, lead_seconds) is not None
            holds = select(EventRow.id).where(EventRow.id == event_id, EventRow.slug == slug)
            usable = holds.where(window_holds(now, lead_seconds), EventRow.reason.is_distinct_from("cancelled"))
            return db.scalar(usable) is not None

    def add(
        self, db: Session, *, slug: str, owner: str, broadcast: Broadcast, starts_at: datetime, ends_at: datetime
    ) -> EventRow:
        """Plan an event. Raises PlanError."""
        now = self._here.clock.now()
        check_window(db, slug, starts_at, ends_at)
        if ends_at <= now:
            raise PlanError("The window is over already.")
        row = planned(slug=slug, owner=owner, broadcast=broadcast, starts_at=starts_at, ends_at=ends_at, now=now)
        db.add(row)
        db.flush()
        occasions.note_plan(db, row, now)
        return row

    def change(self, db: Session, row: EventRow, changes: Mapping[str, Any]) -> None:
        """Change what is named. The window of an event that is over stays as it was. Raises PlanError."""
        if State(row.state) in OVER_STATES and {"starts_at", "ends_at"} & set(changes):
            raise PlanError("The event is over: its time cannot be changed.")
        if {"starts_at", "ends_at"} & set(changes):
            starts, ends = changes.get("starts_at", row.starts_at), changes.get("ends_at", row.ends_at)
            if ends is None:
                raise PlanError("The event was made by a publisher and has no planned end.")
            check_window(db, row.slug, starts, ends, but=row.id)
        now, before = self._here.clock.now(), row.starts_at
        for name, value in changes.items():
            setattr(row, name, value)
        row.version, row.updated_at, row.edited = row.version + 1, now, True
        if row.starts_at != before:
            occasions.note_plan(db, row, now, Occasion.MOVED)

    def cancel(self, db: Session, row: EventRow) -> bool:
        """A planned event will not be; False where it is over or on air."""
        return move(db, row, Trigger.CANCELLED, self._here.stamp(), "cancelled")

    def miss(self) -> int:
        """End the planned events whose window has passed; returns how many.

        A clock that was ahead for a moment costs nobody an event: what was missed too early is planned again.
        """
        stamp = self._here.stamp()
        late = select(EventRow).where(EventRow.state == State.SCHEDULED, EventRow.ends_at < stamp.at)
        early = select(EventRow).where(
            EventRow.state == State.ENDED, EventRow.reason == "missed", EventRow.ends_at > stamp.at
        )
        with self._database.read() as db:
            if all(db.scalars(query.limit(1)).first() is None for query in (late, early)):
                return 0
        with self._database.write() as db:
            for row in db.scalars(early):
                self._restore(db, row, stamp)
            return sum(move(db, row, Trigger.MISSED, stamp, "missed") for row in db.scalars(late))

    def _restore(self, db: Session, row: EventRow, stamp: Stamp) -> None:
        stream = db.get(StreamRow, row.slug)
        if row.ends_at is None or stream is None or stream.removed_at is not None or stream.owner != row.owner:
            return
        try:
            check_window(db, row.slug, row.starts_at, row.ends_at, but=row.id)
        except PlanError:
            # Something else was planned there meanwhile.
            return
        move(db, row, Trigger.RESTORED, stamp)

    def _on_air(self, db: Session, slug: str, event_id: int | None) -> bool:
        """A planned event that is on air or interrupted is open to its publisher, even past its window."""
        on_air = EventRow.state.in_([State.STARTING, State.LIVE, State.INTERRUPTED])
        query = select(EventRow.id).where(EventRow.slug == slug, on_air, EventRow.ad_hoc.is_(False))
        if event_id is not None:
            query = query.where(EventRow.id == event_id)
        return db.scalars(query.limit(1)).first() is not None


def planned(
    *, slug: str, owner: str, broadcast: Broadcast, starts_at: datetime, ends_at: datetime, now: datetime
) -> EventRow:
    """A row of a planned event."""
    return EventRow(
        slug=slug,
        owner=owner,
        title=broadcast.title,
        description=broadcast.description,
        poster_url=broadcast.poster_url,
        overlays=dict(broadcast.overlays),
        destinations=dict(broadcast.destinations),
        countdown_minutes=None if broadcast.countdown_minutes is None else list(broadcast.countdown_minutes),
        starts_at=starts_at,
        ends_at=ends_at,
        state=State.SCHEDULED.value,
        since=now,
        ad_hoc=False,
        created_at=now,
        updated_at=now,
        edited=False,
        version=1,
    )
