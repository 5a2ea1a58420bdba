"""What quiet hours have held up: one message of it, without what is too late or not true any more."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.announcing.channel import Channel
from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from headend.announcing.words import Templates, WordsError, say
from headend.model.announcements import Destination
from hooks_app.announcement_tables import MessageRow
from hooks_app.announcer.message_rows import finish
from hooks_app.announcer.verdict import Later, Void, still_true
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
            for row in list(db.scalars(due)):
                left += self._sort(db, row, by_place[row.destination], now)
            for rows in by_place.values():
                if rows:
                    self._merge(rows)
                    left += 1
        return left

    def _sort(self, db: Session, row: MessageRow, together: list[MessageRow], now: datetime) -> int:
        """Drop it, let it go by itself (1), or put it to those that are merged."""
        try:
            verdict = still_true(db, row, Story.of_kept(row.story), now)
        except ValueError:
            # One that another release wrote must not keep the others.
            finish(row, "dead", now, status=None, reason="this release cannot read its story")
            return 0
        if row.not_after < now:
            verdict = Void("too late")
        if isinstance(verdict, Void):
            finish(row, "dropped", now, status=row.status, reason=verdict.reason)
        elif isinstance(verdict, Later) or row.repeated:
            # Not true just now; or maybe there already, so that its id must stay what it was.
            row.held = False
            return 1
        else:
            together.append(row)
        return 0

    def _merge(self, rows: list[MessageRow]) -> None:
        first, *rest = rows
        first.held = False
        if not rest:
            return
        now = self._clock.now()
        items = [item for row in rows for item in self._lines(row) if item]
        story = Story.of_kept(first.story).model_copy(update={"items": tuple(items)})
        first.occasion, first.story = Occasion.DIGEST.value, story.model_dump(mode="json")
        first.not_after = max(row.not_after for row in rows)
        for row in rest:
            row.state, row.reason, row.finished_at = "merged", f"in message {first.id}", now

    def _lines(self, row: MessageRow) -> tuple[str, ...]:
        story = Story.of_kept(row.story)
        if row.occasion == Occasion.DIGEST:
            # One that could not go out before the next quiet hours.
            return story.items
        place = self._places.get(row.destination)
        channel = Channel(place.kind) if place is not None else Channel.WEBHOOK
        try:
            words = say(self._templates, channel, Occasion(row.occasion), story)
        except WordsError:
            return ()
        return (words.title,) if words is not None else ()
