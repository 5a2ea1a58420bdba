"""Schedules, and the events that are made of them ahead of time.

Each occurrence is one event, however often it is planned and by however many hosts: (schedule, local start) is unique.
An event that was moved or edited by hand is left alone, a cancelled one is not planned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from hooks_app import events, occasions
from hooks_app.database import Database
from hooks_app.events import Broadcast, PlanError, check_window, planned
from hooks_app.here import Here
from hooks_app.recurrence import Occurrence, ScheduleError, check_rule, occurrences, parse_local, zone
from hooks_app.states import State, Trigger
from hooks_app.tables import EventRow, ScheduleRow

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
        """Change what is named, and with it the events that nobody touched. Raises ScheduleError, PlanError."""
        for name, value in changes.items():
            setattr(row, name, value)
        row.version, row.updated_at = row.version + 1, self._here.clock.now()
        check(row)
        self._withdraw(db, row)
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
            live = select(ScheduleRow).where(ScheduleRow.cancelled_at.is_(None))
            missing = [row.id for row in db.scalars(live) if self._missing(db, row)]
        if not missing:
            return 0
        with self._database.write() as db:
            rows = db.scalars(select(ScheduleRow).where(ScheduleRow.id.in_(missing)))
            return sum(self._plan(db, row, strict=False) for row in rows)

    def _missing(self, db: Session, row: ScheduleRow) -> list[Occurrence]:
        now = self._here.clock.now()
        try:
            wanted = occurrences(
                starts_local=row.starts_local,
                time_zone=row.time_zone,
                rule=row.rrule,
                exceptions=row.exceptions,
                # One that is on now is still planned.
                after=now - timedelta(seconds=row.duration_seconds),
                before=now + AHEAD,
            )
        except ScheduleError as error:
            # It was right when it was written: the time zone data of this host lacks its zone.
            log.error("schedule cannot be planned", schedule=row.id, error=str(error))
            return []
        made = set(db.scalars(select(EventRow.occurrence).where(EventRow.schedule_id == row.id)))
        return [one for one in wanted if one.local not in made]

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

    def _withdraw(self, db: Session, row: ScheduleRow) -> None:
        """Take back the planned events that nobody touched: they are made again as the schedule now says."""
        for event in db.scalars(_planned_of(row).where(EventRow.version == 1)):
            db.delete(event)
        db.flush()


def check(row: ScheduleRow) -> None:
    """Raises ScheduleError, PlanError for what cannot be planned."""
    zone(row.time_zone)
    parse_local(row.starts_local)
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


def _planned_of(row: ScheduleRow) -> Any:
    return select(EventRow).where(EventRow.schedule_id == row.id, EventRow.state == State.SCHEDULED)
