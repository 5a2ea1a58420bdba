"""Turns occasions that are due into messages, one for each place, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from headend.model.announcements import Announcements, Destination
from headend.model.facts import HookFacts
from hooks_app.announcement_tables import AnnouncementRow, MessageRow, PlaceRow
from hooks_app.announcer.quiet import quiet_until
from hooks_app.announcer.stories import story_of
from hooks_app.announcer.upkeep import STEP
from hooks_app.announcer.verdict import Later, Void, judge
from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.tables import DestinationRow, EventRow

BATCH = 100
CALENDAR = frozenset({Occasion.SCHEDULED, Occasion.MOVED, Occasion.CANCELLED, Occasion.LIVE, Occasion.ENDED})
STAGE = frozenset({Occasion.LIVE, Occasion.ENDED})

log = structlog.get_logger(__name__)


class Crier:
    """Looks at what is due."""

    def __init__(self, facts: HookFacts, settings: Announcements, database: Database, clock: Clock) -> None:
        self._facts = facts
        self._settings = settings
        self._database = database
        self._clock = clock

    def round(self) -> int:
        """Tell what is due; returns how many messages were made. Raises SQLAlchemyError."""
        now = self._clock.now()
        # What happened at a time that is not yet, happened before the clock was set back.
        unborn = and_(AnnouncementRow.at > now + STEP, AnnouncementRow.occasion != Occasion.COUNTDOWN)
        due = (
            select(AnnouncementRow)
            .where(AnnouncementRow.state == "waiting", or_(AnnouncementRow.due_at <= now, unborn))
            .order_by(AnnouncementRow.id)
            .limit(BATCH)
        )
        with self._database.read() as db:
            if db.scalars(due.limit(1)).first() is None:
                return 0
        made = 0
        # Under the writers' lock: of two hosts, the second finds nothing left to do.
        with self._database.write() as db:
            for row in list(db.scalars(due)):
                try:
                    # At all of its places, or at none.
                    with db.begin_nested():
                        made += self._look(db, row, now)
                except (ValueError, LookupError) as error:
                    # One that cannot be told must not keep the others from it.
                    log.error("cannot be told", announcement=row.id, error=type(error).__name__)
                    row.state, row.reason = "void", "it cannot be told: see the journal"
        return made

    def _look(self, db: Session, row: AnnouncementRow, now: datetime) -> int:
        verdict = judge(db, row, self._settings, now)
        if isinstance(verdict, Later):
            row.due_at = verdict.at
            return 0
        if isinstance(verdict, Void):
            row.state, row.reason = "void", verdict.reason
            return 0
        row.state = "told"
        story, event = story_of(db, self._facts, row), db.get(EventRow, row.event_id) if row.event_id else None
        occasion, made = Occasion(row.occasion), 0
        for place, part in self._places(db, occasion, row, event, story.owner):
            known = db.get(PlaceRow, place.name)
            muted = known is not None and known.muted_until is not None and known.muted_until > now
            disturbs = part == "post" and not self._edits(db, place, occasion, row)
            quiet = quiet_until(place.quiet_hours, row.occasion, now) if disturbs else None
            db.add(
                MessageRow(
                    announcement_id=row.id,
                    destination=place.name,
                    part=part,
                    uid=f"msg_{uuid4().hex}",
                    slug=row.slug,
                    owner=story.owner,
                    event_id=row.event_id,
                    session_id=row.session_id,
                    occasion=row.occasion,
                    story=story.model_dump(mode="json"),
                    made_at=now,
                    due_at=quiet or now,
                    not_after=verdict.not_after,
                    held=quiet is not None,
                    state="dropped" if muted else "queued",
                    reason="muted" if muted else None,
                    finished_at=now if muted else None,
                )
            )
            made += 1
        log.info("told", occasion=row.occasion, stream=row.slug, messages=made)
        return made

    def _places(
        self, db: Session, occasion: Occasion, row: AnnouncementRow, event: EventRow | None, owner: str
    ) -> Iterator[tuple[Destination, str]]:
        switches = event.destinations if event is not None else {}
        for place in self._settings.destinations:
            declared = db.get(DestinationRow, place.name)
            enabled = declared.enabled if declared is not None else place.enabled
            if place.owner != owner or (place.streams and row.slug not in place.streams):
                continue
            if not switches.get(place.name, enabled):
                continue
            if occasion.value in place.occasions or self._edits(db, place, occasion, row):
                yield place, "post"
            if place.bot_secret and place.guild_id and occasion in CALENDAR and event is not None and not event.ad_hoc:
                yield place, "calendar"
            if place.bot_secret and place.stage_channel_id and occasion in STAGE:
                yield place, "stage"

    def _edits(self, db: Session, place: Destination, occasion: Occasion, row: AnnouncementRow) -> bool:
        """Whether this changes a post that is there already: the live post of Discord becomes one of the past."""
        if place.kind != "discord" or occasion is not Occasion.ENDED:
            return False
        posted = select(MessageRow.id).where(
            MessageRow.destination == place.name,
            MessageRow.session_id == row.session_id,
            MessageRow.part == "post",
            MessageRow.occasion == Occasion.LIVE,
            MessageRow.state.in_(["queued", "leased", "sent"]),
            MessageRow.held.is_(False),
        )
        return db.scalar(posted.limit(1)) is not None
