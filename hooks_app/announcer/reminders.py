"""Countdowns: which reminders a planned event has, and the row of each.

They follow from the event as it is, so a moved or cancelled one needs nobody to tell. A row is made once, by its
event, its minutes and the start that it means: a restart or a clock that is set changes nothing about that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from hooks_app.announcement_tables import AnnouncementRow
from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.states import State
from hooks_app.tables import EventRow

HORIZON = timedelta(minutes=10_080 + 60)
"""The longest countdown, and room for a late round."""
Reminder = tuple[int, int, datetime]


class Reminders:
    """Makes the rows."""

    def __init__(self, database: Database, clock: Clock, default_minutes: Sequence[int]) -> None:
        self._database = database
        self._clock = clock
        self._default = tuple(default_minutes)

    def round(self) -> int:
        """Make what is missing; returns how many. Raises SQLAlchemyError."""
        with self._database.read() as db:
            if not any(self._missing(db)):
                return 0
        made = 0
        with self._database.write() as db:
            for event, minutes in list(self._missing(db)):
                db.add(
                    AnnouncementRow(
                        at=self._clock.now(),
                        slug=event.slug,
                        event_id=event.id,
                        occasion=Occasion.COUNTDOWN.value,
                        minutes=minutes,
                        anchor=event.starts_at,
                        due_at=event.starts_at - timedelta(minutes=minutes),
                        state="waiting",
                    )
                )
                made += 1
        return made

    def _missing(self, db: Session) -> Iterator[tuple[EventRow, int]]:
        now = self._clock.now()
        near = select(EventRow).where(
            EventRow.state == State.SCHEDULED, EventRow.starts_at > now, EventRow.starts_at <= now + HORIZON
        )
        events = list(db.scalars(near))
        rows = select(AnnouncementRow.event_id, AnnouncementRow.minutes, AnnouncementRow.anchor).where(
            AnnouncementRow.occasion == Occasion.COUNTDOWN, AnnouncementRow.event_id.in_([event.id for event in events])
        )
        made = {(event_id, minutes, anchor) for event_id, minutes, anchor in db.execute(rows)}
        for event in events:
            for minutes in dict.fromkeys(offsets_of(event, self._default)):
                due_at = event.starts_at - timedelta(minutes=minutes)
                # What was past when the event was planned, or moved, was no reminder of it.
                if (event.id, minutes, event.starts_at) not in made and due_at >= event.updated_at:
                    yield event, minutes


def offsets_of(event: EventRow, default: Sequence[int]) -> Sequence[int]:
    """Minutes before the start: the event's own, or the site's."""
    return default if event.countdown_minutes is None else event.countdown_minutes


def stale_at(event: EventRow, minutes: int, default: Sequence[int]) -> datetime:
    """When a reminder is worse than none: the next one is due, or the event starts."""
    later = max((other for other in offsets_of(event, default) if other < minutes), default=0)
    return event.starts_at - timedelta(minutes=later)
