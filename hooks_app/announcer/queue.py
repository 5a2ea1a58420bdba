"""The queue: who sends which message next, and what came of it.

A message is leased, never locked, while it is sent: no transaction is open meanwhile. Of those of a stream at a place
only the oldest that is not finished can be taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, String, and_, func, literal_column, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from headend.model.announcements import Destination
from hooks_app.announcement_tables import AnnouncerRow, MessageRow, PlaceRow
from hooks_app.announcer.backoff import MAX_ATTEMPTS, delay_seconds
from hooks_app.announcer.message import Message
from hooks_app.announcer.message_rows import finish, lives, message_of, place_of, reclaim
from hooks_app.announcer.verdict import still_true
from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.senders.outcome import REASON_LENGTH, Again, Broken, Dead, Outcome, Sent, Unknown

LEASE_SECONDS = 60.0
"""Four times as long as an attempt may take."""
WINDOW = timedelta(seconds=60)
# Written out, not bound: a partial index serves a statement only if its condition is there when it is planned.
QUEUED: ColumnElement[str] = literal_column("'queued'", String)
LEASED: ColumnElement[str] = literal_column("'leased'", String)
STEP = timedelta(seconds=5)
"""A time of the past that lies so far ahead was written before the clock was set back."""

log = structlog.get_logger(__name__)


class _TooFastError(Exception):
    """The place's ceiling is reached; what was claimed is given back."""


class Queue:
    """Claims and settles. `worker` names the process that does: host/post:pid."""

    def __init__(self, database: Database, clock: Clock, worker: str, places: Sequence[Destination]) -> None:
        self._database = database
        self._clock = clock
        self._worker = worker
        self._places = {place.name: place for place in places}
        # Not for secrets: it keeps workers from coming back all at once.
        self._dice = random.Random()  # noqa: S311

    def start(self) -> int:
        """Take back what dead processes of this host had claimed; returns how many. Raises SQLAlchemyError."""
        now = self._clock.now()
        with self._database.write() as db:
            for name in self._places:
                if db.get(PlaceRow, name) is None:
                    db.add(PlaceRow(name=name))
            if db.get(AnnouncerRow, 1) is None:
                db.add(AnnouncerRow(id=1, on=True))
            host = self._worker.partition("/")[0]
            names = select(MessageRow.leased_by).where(
                MessageRow.state == "leased", MessageRow.leased_by.startswith(f"{host}/")
            )
            dead = [name for name in db.scalars(names) if name is not None and not lives(name)]
            return reclaim(db, MessageRow.leased_by.in_(dead), now)

    def take_over(self, worker: str) -> int:
        """Take back what a process that is dead had claimed; returns how many. Raises SQLAlchemyError."""
        with self._database.write() as db:
            return reclaim(db, MessageRow.leased_by == worker, self._clock.now())

    def claim(self) -> Message | None:
        """The next message, or None. Raises SQLAlchemyError."""
        now = self._clock.now()
        # Most of the time there is nothing to send: that is found without the lock of a writer.
        waiting = select(MessageRow.id).where(MessageRow.state == "queued", MessageRow.due_at <= now).limit(1)
        with self._database.read() as db:
            if db.scalar(waiting) is None:
                return None
        try:
            with self._database.claim() as db:
                names = self._open(db, now)
                if not names:
                    return None
                row = db.scalars(self._taking(names, now)).one_or_none()
                if row is None:
                    return None
                self._check_rate(db, row.destination, now)
                try:
                    return message_of(db, row)
                except ValueError:
                    # Nor must one that another release wrote.
                    finish(row, "dead", now, status=None, reason="this release cannot read its story")
                    row.leased_by = row.leased_until = None
                    return None
        except _TooFastError:
            return None

    def settle(self, message: Message, outcome: Outcome) -> None:
        """Write down what came of an attempt. Raises SQLAlchemyError."""
        now = self._clock.now()
        with self._database.claim() as db:
            row = db.get(MessageRow, message.id, with_for_update=True)
            if row is None or row.state != "leased" or row.leased_by != self._worker:
                log.warning("lease lost", message=message.id)
                return
            row.leased_by = row.leased_until = None
            match outcome:
                case Sent(status, receipt):
                    finish(row, "sent", now, status=status, reason=None)
                    row.receipt = receipt[:120] if receipt else None
                case Again(reason, status, pause, everywhere):
                    self._hold(db, row.destination, pause, everywhere, now)
                    self._again(row, reason, status, pause or 0.0, now)
                case Dead(reason, status):
                    finish(row, "dead", now, status=status, reason=reason)
                case Broken(reason, status):
                    finish(row, "dead", now, status=status, reason=reason)
                    place = place_of(db, row.destination)
                    place.broken_at, place.broken_reason = now, reason[:REASON_LENGTH]
                case Unknown(reason, again):
                    row.repeated = row.repeated or again
                    if again:
                        self._again(row, reason, None, 0.0, now)
                    else:
                        finish(row, "uncertain", now, status=None, reason=reason)
        log.info(
            "attempt",
            message=message.id,
            destination=message.destination,
            occasion=message.occasion.value,
            outcome=type(outcome).__name__.lower(),
            attempts=message.attempts,
            reason=getattr(outcome, "reason", None),
        )

    def drop(self, message: Message, state: str, reason: str) -> None:
        """It is not sent: `state` is dropped or dry_run. Raises SQLAlchemyError."""
        with self._database.claim() as db:
            row = db.get(MessageRow, message.id, with_for_update=True)
            if row is not None and row.state == "leased" and row.leased_by == self._worker:
                finish(row, state, self._clock.now(), status=None, reason=reason)
                row.leased_by = row.leased_until = None

    def stale(self, message: Message) -> str:
        """Why it is not to be sent any more; empty while it is."""
        with self._database.read() as db:
            row = db.get_one(MessageRow, message.id)
            return still_true(db, message.occasion, row.session_id, row.event_id, message.story.starts_at)

    def tidy(self) -> None:
        """Drop what is too late, take back what lost its worker, undo what a clock that was set has spoiled."""
        now = self._clock.now()
        queued = MessageRow.state == "queued"
        late = MessageRow.not_after < now
        lost = (MessageRow.state == "leased") & (MessageRow.leased_until < now)
        stepped = MessageRow.state.in_(["queued", "leased"]) & (MessageRow.attempted_at > now + STEP)
        unborn = and_(
            queued,
            MessageRow.attempted_at.is_(None),
            MessageRow.held.is_(False),
            MessageRow.made_at > now + STEP,
            MessageRow.due_at > now,
        )
        with self._database.read() as db:
            anything = select(MessageRow.id).where(or_(queued & late, lost, stepped, unborn)).limit(1)
            held = select(PlaceRow.name).where(PlaceRow.hold_until.is_not(None)).limit(1)
            muted = select(PlaceRow.name).where(PlaceRow.muted_until > now)
            quiet = list(db.scalars(muted))
            idle = db.scalar(anything) is None and db.scalar(held) is None and not quiet
        if idle:
            return
        with self._database.write() as db:
            for row in db.scalars(select(MessageRow).where(queued & late)):
                finish(
                    row,
                    "dropped",
                    now,
                    status=row.status,
                    reason=f"too late; {row.reason}" if row.reason else "too late",
                )
            if quiet:
                for row in db.scalars(select(MessageRow).where(queued, MessageRow.destination.in_(quiet))):
                    finish(row, "dropped", now, status=None, reason="muted")
            reclaim(db, MessageRow.leased_until < now, now)
            for row in db.scalars(select(MessageRow).where(unborn)):
                row.due_at = now
            for row in db.scalars(select(MessageRow).where(stepped)):
                # The durations were right, the times are not any more.
                ahead = (row.attempted_at or now) - now
                row.attempted_at, row.due_at = now, row.due_at - ahead
                row.leased_until = row.leased_until - ahead if row.leased_until else None
            longest = timedelta(days=1) + STEP
            for place in db.scalars(select(PlaceRow).where(PlaceRow.hold_until.is_not(None))):
                if place.hold_until is not None and not now < place.hold_until <= now + longest:
                    place.hold_until = None

    def turned(self) -> None:
        """Prove that a worker looks."""
        with self._database.write() as db:
            row = db.get(AnnouncerRow, 1) or AnnouncerRow(id=1, on=True)
            row.turned_at = self._clock.now()
            db.add(row)

    def _open(self, db: Session, now: datetime) -> list[str]:
        switch = db.get(AnnouncerRow, 1)
        if switch is not None and not switch.on:
            return []
        shut = select(PlaceRow.name).where(
            or_(PlaceRow.broken_at.is_not(None), PlaceRow.hold_until > now, PlaceRow.muted_until > now)
        )
        closed = set(db.scalars(shut))
        recent = (
            select(MessageRow.destination, func.count())
            .where(MessageRow.attempted_at > now - WINDOW, MessageRow.destination.in_(self._places))
            .group_by(MessageRow.destination)
        )
        closed |= {name for name, count in db.execute(recent) if count >= self._places[name].per_minute}
        return [name for name in self._places if name not in closed]

    def _taking(self, names: Sequence[str], now: datetime) -> ReturningUpdate[MessageRow]:
        # The oldest of each lane that is not finished: whoever has it leased holds up the rest of it.
        heads = (
            select(func.min(MessageRow.id))
            .where(MessageRow.state.in_([QUEUED, LEASED]), MessageRow.destination.in_(names))
            .group_by(MessageRow.destination, MessageRow.slug, MessageRow.part)
        )
        first = (
            select(MessageRow.id)
            .where(
                MessageRow.state == QUEUED,
                MessageRow.held.is_(False),
                MessageRow.due_at <= now,
                MessageRow.not_after >= now,
                MessageRow.id.in_(heads),
            )
            .order_by(MessageRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (
            update(MessageRow)
            .where(MessageRow.id == first.scalar_subquery(), MessageRow.state == "queued")
            .values(
                state="leased",
                leased_by=self._worker,
                leased_until=now + timedelta(seconds=LEASE_SECONDS),
                attempted_at=now,
                attempts=MessageRow.attempts + 1,
            )
            .returning(MessageRow)
            .execution_options(synchronize_session=False)
        )

    def _check_rate(self, db: Session, name: str, now: datetime) -> None:
        """Once more, with the place's row locked: of several workers that counted at once, one sends."""
        db.scalars(select(PlaceRow).where(PlaceRow.name == name).with_for_update()).one_or_none()
        recent = select(func.count()).where(MessageRow.destination == name, MessageRow.attempted_at > now - WINDOW)
        if (db.scalar(recent) or 0) > self._places[name].per_minute:
            raise _TooFastError

    def _again(self, row: MessageRow, reason: str, status: int | None, pause: float, now: datetime) -> None:
        due_at = now + timedelta(seconds=max(pause, delay_seconds(row.attempts, self._dice)))
        if row.attempts >= MAX_ATTEMPTS:
            finish(row, "dead", now, status=status, reason=f"{reason}, {row.attempts} times")
        elif due_at > row.not_after:
            finish(row, "dropped", now, status=status, reason=f"too late; {reason}")
        else:
            row.state, row.due_at, row.status, row.reason = "queued", due_at, status, reason[:REASON_LENGTH]

    def _hold(self, db: Session, name: str, pause: float | None, everywhere: bool, now: datetime) -> None:
        if not pause:
            return
        kind = self._places[name].kind
        names: Iterable[str] = (
            [other.name for other in self._places.values() if other.kind == kind] if everywhere else [name]
        )
        for one in names:
            place = place_of(db, one)
            until = now + timedelta(seconds=pause)
            place.hold_until = max(place.hold_until or until, until)
