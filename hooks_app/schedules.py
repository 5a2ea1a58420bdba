"""Schedules, and the events that are made of them ahead of time.

Each occurrence is one event, however often it is planned and by however many hosts: (schedule, local start) is unique.
A rule starts at most once a day, so a changed schedule's event of a day is the one that it had: it is changed or moved,
and goes on under its number. An event that was moved or edited by hand is left alone, one that was cancelled by hand is
not planned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from hooks_app import events, occasions
from hooks_app.database import Database
from hooks_app.events import Broadcast, PlanError, check_window, planned
from hooks_app.here import Here
from hooks_app.recurrence import Occurrence, ScheduleError, check_rule, days_of, occurrences, parse_local, zone
from hooks_app.states import OVER_STATES, State, Trigger
from hooks_app.tables import EventRow, ScheduleRow, StreamRow

AHEAD = timedelta(days=14)
"""How long before its start an event is made."""
LONGEST_SECONDS = int(events.LONGEST.total_seconds())

log = structlog.get_logger(__name__)


class Schedules:
    """Keeps schedules and plans their events."""

    def __init__(self, database: Database, here: Here) -> None:
        self._database = database
        self._here = here

    def add(self, db: Session, *, slug: str, owner: str, broadcast: Broadcast, **when: Any) -> ScheduleRow:
        """Keep a schedule and plan its first events.

        `when`: starts_local, time_zone, duration_seconds, rrule. Raises ScheduleError, PlanError.
        """
        now = self._here.clock.now()
        row = ScheduleRow(
            slug=slug,
            owner=owner,
            title=broadcast.title,
            description=broadcast.description,
            poster_url=broadcast.poster_url,
            overlays=dict(broadcast.overlays),
            destinations=dict(broadcast.destinations),
            countdown_minutes=None if broadcast.countdown_minutes is None else list(broadcast.countdown_minutes),
            exceptions=[],
            created_at=now,
            updated_at=now,
            version=1,
            **when,
        )
        check(row)
        db.add(row)
        db.flush()
        self._plan(db, row, strict=True)
        return row

    def change(self, db: Session, row: ScheduleRow, changes: Mapping[str, Any]) -> None:
        """Change what is named, and with it the events that nobody touched: under their numbers, one for each day.

        What it does not want any more is cancelled. Raises ScheduleError, PlanError.
        """
        for name, value in changes.items():
            setattr(row, name, value)
        row.version, row.updated_at = row.version + 1, self._here.clock.now()
        check(row)
        self._revise(db, row)
        self._plan(db, row, strict=True)

    def except_(self, db: Session, row: ScheduleRow, local: str) -> None:
        """Leave out one start. Raises ScheduleError."""
        parse_local(local)
        if local not in row.exceptions:
            self.change(db, row, {"exceptions": sorted([*row.exceptions, local])})

    def cancel(self, db: Session, row: ScheduleRow) -> None:
        """There will be no more events; those that are planned are cancelled."""
        now = self._here.clock.now()
        row.cancelled_at, row.updated_at, row.version = now, now, row.version + 1
        for event in db.scalars(_planned_of(row)):
            events.move(db, event, Trigger.CANCELLED, self._here.stamp(), "cancelled")

    def round(self) -> int:
        """Plan what has come into reach; returns how many events were made. Raises SQLAlchemyError."""
        with self._database.read() as db:
            there = select(StreamRow.slug).where(StreamRow.removed_at.is_(None))
            live = select(ScheduleRow).where(ScheduleRow.cancelled_at.is_(None), ScheduleRow.slug.in_(there))
            missing = [row.id for row in db.scalars(live) if self._missing(db, row)]
        if not missing:
            return 0
        with self._database.write() as db:
            rows = db.scalars(select(ScheduleRow).where(ScheduleRow.id.in_(missing)))
            return sum(self._plan(db, row, strict=False) for row in rows)

    def _missing(self, db: Session, row: ScheduleRow) -> list[Occurrence]:
        now = self._here.clock.now()
        try:
            # One that is on now is still planned.
            wanted = _wanted(row, now - timedelta(seconds=row.duration_seconds), now + AHEAD)
        except ScheduleError as error:
            # It was right when it was written: the time zone data of this host lacks its zone.
            log.error("schedule cannot be planned", schedule=row.id, error=str(error))
            return []
        starts, days = set(), set()
        for event in db.scalars(_made_by(row, wanted[0].local[:10])) if wanted else ():
            starts.add(event.occurrence)
            # The day has its event, or somebody wanted it to have none.
            if State(event.state) not in OVER_STATES or event.reason == "cancelled":
                days.add(_day(event))
        return [one for one in wanted if one.local not in starts and one.local[:10] not in days]

    def _plan(self, db: Session, row: ScheduleRow, *, strict: bool) -> int:
        made, now = 0, self._here.clock.now()
        for one in self._missing(db, row):
            ends_at = one.starts_at + timedelta(seconds=row.duration_seconds)
            try:
                check_window(db, row.slug, one.starts_at, ends_at)
            except PlanError as error:
                if strict:
                    raise
                log.warning("event not planned", schedule=row.id, start=one.local, reason=str(error))
                continue
            event = planned(
                slug=row.slug,
                owner=row.owner,
                broadcast=broadcast_of(row),
                starts_at=one.starts_at,
                ends_at=ends_at,
                now=now,
            )
            event.schedule_id, event.occurrence = row.id, one.local
            db.add(event)
            db.flush()
            occasions.note_plan(db, event, now)
            made += 1
        return made

    def _revise(self, db: Session, row: ScheduleRow) -> None:
        """Bring the events that lie ahead, and that nobody touched, to what the schedule now says. Raises PlanError."""
        now = self._here.clock.now()
        ahead = list(db.scalars(_planned_of(row).where(EventRow.occurrence.is_not(None), EventRow.ends_at > now)))
        if not ahead:
            return
        near = min(event.starts_at for event in ahead) - timedelta(days=2)
        far = max(event.starts_at for event in ahead) + timedelta(days=2)
        others = {event.occurrence for event in db.scalars(_made_by(row, f"{near:%Y-%m-%d}")) if event not in ahead}
        wanted = {one.local[:10]: one for one in _wanted(row, near, far) if one.local not in others}
        moved = []
        for event in ahead:
            one = wanted.get(_day(event))
            if event.edited:
                if _day(event) in days_of(row.exceptions):
                    self._withdraw(db, event)
            elif one is None or one.starts_at + timedelta(seconds=row.duration_seconds) <= now:
                self._withdraw(db, event)
            elif _bring(db, event, row, one, now):
                moved.append(event)
        # Only now: on their way they may have passed over one another.
        db.flush()
        for event in moved:
            if event.ends_at is not None:
                check_window(db, event.slug, event.starts_at, event.ends_at, but=event.id)

    def _withdraw(self, db: Session, event: EventRow) -> None:
        events.move(db, event, Trigger.CANCELLED, self._here.stamp(), "cancelled")
        # The schedule may want that start again.
        event.occurrence = None


def check(row: ScheduleRow) -> None:
    """Raises ScheduleError, PlanError for what cannot be planned."""
    zone(row.time_zone)
    for local in (row.starts_local, *row.exceptions):
        parse_local(local)
    if row.rrule is not None:
        check_rule(row.rrule, row.starts_local)
    if not 60 <= row.duration_seconds <= LONGEST_SECONDS:
        raise PlanError(f"duration_seconds is not between 60 and {LONGEST_SECONDS}.")


def broadcast_of(row: ScheduleRow) -> Broadcast:
    """What its events show."""
    return Broadcast(
        title=row.title,
        description=row.description,
        poster_url=row.poster_url,
        overlays=row.overlays,
        destinations=row.destinations,
        countdown_minutes=row.countdown_minutes,
    )


def _bring(db: Session, event: EventRow, row: ScheduleRow, one: Occurrence, now: datetime) -> bool:
    """Make an event what its schedule says; returns whether its window is another one."""
    before, broadcast = (event.starts_at, event.ends_at), broadcast_of(row)
    changes = {
        "title": broadcast.title,
        "description": broadcast.description,
        "poster_url": broadcast.poster_url,
        "overlays": dict(broadcast.overlays),
        "destinations": dict(broadcast.destinations),
        "countdown_minutes": None if broadcast.countdown_minutes is None else list(broadcast.countdown_minutes),
        "starts_at": one.starts_at,
        "ends_at": one.starts_at + timedelta(seconds=row.duration_seconds),
        "occurrence": one.local,
    }
    if all(getattr(event, name) == value for name, value in changes.items()):
        return False
    for name, value in changes.items():
        setattr(event, name, value)
    event.version, event.updated_at = event.version + 1, now
    if event.starts_at != before[0]:
        occasions.note_plan(db, event, now, Occasion.MOVED)
    return (event.starts_at, event.ends_at) != before


def _wanted(row: ScheduleRow, after: datetime, before: datetime) -> list[Occurrence]:
    return occurrences(
        starts_local=row.starts_local,
        time_zone=row.time_zone,
        rule=row.rrule,
        exceptions=row.exceptions,
        after=after,
        before=before,
    )


def _day(event: EventRow) -> str:
    """Of the start that it is, as people of the zone have it."""
    return (event.occurrence or "")[:10]


def _made_by(row: ScheduleRow, day: str) -> Any:
    """Its events from a day on."""
    return select(EventRow).where(EventRow.schedule_id == row.id, EventRow.occurrence >= day)


def _planned_of(row: ScheduleRow) -> Any:
    return select(EventRow).where(EventRow.schedule_id == row.id, EventRow.state == State.SCHEDULED)
