"""The queue: who sends which message next, and what came of it.

A message is leased, never locked, while it is sent: no transaction is open meanwhile. Of those of a stream at a place
only the oldest that is not finished can be taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.model.announcements import Destination
from hooks_app.announcement_tables import AnnouncerRow, MessageRow, PlaceRow
from hooks_app.announcer.backoff import MAX_ATTEMPTS, delay_seconds
from hooks_app.announcer.lanes import NotItsTurnError, check_turn, open_places, taking
from hooks_app.announcer.message import Message
from hooks_app.announcer.message_rows import finish, lives, message_of, place_of, reclaim, unattempted
from hooks_app.announcer.upkeep import tidy
from hooks_app.announcer.verdict import Verdict, still_true
from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.senders.outcome import REASON_LENGTH, Again, Broken, Dead, Outcome, Sent, Unknown

log = structlog.get_logger(__name__)


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
                names = open_places(db, self._places, now)
                if not names:
                    return None
                row = db.scalars(taking(names, self._worker, now)).one_or_none()
                if row is None:
                    return None
                check_turn(db, row, self._places[row.destination], now)
                try:
                    return message_of(db, row)
                except ValueError:
                    # Nor must one that another release wrote.
                    finish(row, "dead", now, status=None, reason="this release cannot read its story")
                    row.leased_by = row.leased_until = None
                    return None
        except NotItsTurnError:
            return None

    def settle(self, message: Message, outcome: Outcome) -> None:
        """Write down what came of an attempt. Raises SQLAlchemyError."""
        now = self._clock.now()
        with self._database.claim() as db:
            row = self._mine(db, message)
            if row is None:
                log.warning("lease lost", message=message.id)
                return
            row.leased_by = row.leased_until = None
            match outcome:
                case Sent(status, receipt, reason):
                    finish(row, "sent", now, status=status, reason=reason)
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
            row = self._mine(db, message)
            if row is None:
                return
            if state == "dropped":
                unattempted(row)
            finish(row, state, self._clock.now(), status=None, reason=reason)
            row.leased_by = row.leased_until = None

    def give_back(self, message: Message, due_at: datetime, *, held: bool) -> None:
        """It is not sent now, but then: no attempt was made. `held`: quiet hours hold it up. Raises SQLAlchemyError."""
        with self._database.claim() as db:
            row = self._mine(db, message)
            if row is not None:
                unattempted(row)
                row.state, row.due_at, row.held = "queued", due_at, held
                row.leased_by = row.leased_until = None

    def standing(self, message: Message) -> Verdict:
        """Whether it is to be sent, as things are now. Raises SQLAlchemyError."""
        with self._database.read() as db:
            row = db.get_one(MessageRow, message.id)
            return still_true(db, row, message.story, self._clock.now())

    def tidy(self) -> None:
        """See upkeep.tidy. Raises SQLAlchemyError."""
        tidy(self._database, self._clock.now())

    def turned(self) -> None:
        """Prove that a worker looks."""
        with self._database.write() as db:
            row = db.get(AnnouncerRow, 1) or AnnouncerRow(id=1, on=True)
            row.turned_at = self._clock.now()
            db.add(row)

    def _mine(self, db: Session, message: Message) -> MessageRow | None:
        """Its row, locked; None where the lease is lost."""
        row = db.get(MessageRow, message.id, with_for_update=True)
        return row if row is not None and row.state == "leased" and row.leased_by == self._worker else None

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
            if place.hold_until is None or place.hold_until < until:
                place.hold_since, place.hold_until = now, until
