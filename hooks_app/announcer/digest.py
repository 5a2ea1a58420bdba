"""What quiet hours have held up: one message of it, without what is too late or not true any more."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.announcing.channel import Channel
from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from headend.announcing.words import Templates, WordsError, say
from headend.model.announcements import Destination
from hooks_app.announcement_tables import MessageRow
from hooks_app.announcer.verdict import still_true
from hooks_app.clock import Clock
from hooks_app.database import Database


class Digest:
    """Lets go of what was held."""

    def __init__(self, database: Database, clock: Clock, places: dict[str, Destination], templates: Templates) -> None:
        self._database = database
        self._clock = clock
        self._places = places
        self._templates = templates

    def round(self) -> int:
        """Let go of what is due; returns how many messages are left of it. Raises SQLAlchemyError."""
        now = self._clock.now()
        due = (
            select(MessageRow)
            .where(MessageRow.state == "queued", MessageRow.held, MessageRow.due_at <= now)
            .order_by(MessageRow.id)
        )
        with self._database.read() as db:
            if db.scalars(due.limit(1)).first() is None:
                return 0
        left = 0
        with self._database.write() as db:
            by_place: defaultdict[str, list[MessageRow]] = defaultdict(list)
            for row in db.scalars(due):
                if reason := self._stale(db, row):
                    row.state, row.reason, row.finished_at = "dropped", reason, now
                else:
                    by_place[row.destination].append(row)
            for rows in by_place.values():
                self._merge(rows)
                left += 1
        return left

    def _stale(self, db: Session, row: MessageRow) -> str:
        if row.not_after < self._clock.now():
            return "too late"
        story = Story.of_kept(row.story)
        return still_true(db, Occasion(row.occasion), row.session_id, row.event_id, story.starts_at)

    def _merge(self, rows: list[MessageRow]) -> None:
        first, *rest = rows
        first.held = False
        if not rest:
            return
        now = self._clock.now()
        items = [item for row in rows if (item := self._line(row))]
        story = Story.of_kept(first.story).model_copy(update={"items": tuple(items)})
        first.occasion, first.story = Occasion.DIGEST.value, story.model_dump(mode="json")
        first.not_after = max(row.not_after for row in rows)
        for row in rest:
            row.state, row.reason, row.finished_at = "merged", f"in message {first.id}", now

    def _line(self, row: MessageRow) -> str:
        place = self._places.get(row.destination)
        channel = Channel(place.kind) if place is not None else Channel.WEBHOOK
        try:
            words = say(self._templates, channel, Occasion(row.occasion), Story.of_kept(row.story))
        except WordsError:
            words = None
        return words.title if words is not None else ""
