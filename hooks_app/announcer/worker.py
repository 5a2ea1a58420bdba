"""What the announcer's processes do: what is due becomes messages, and messages are sent, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headend.announcing.occasion import Occasion
from headend.model.facts import AnnouncementFacts, HookFacts
from hooks_app.announcer.crier import Crier
from hooks_app.announcer.delivery import Delivery
from hooks_app.announcer.digest import Digest
from hooks_app.announcer.lanes import LEASE_SECONDS
from hooks_app.announcer.message import Message
from hooks_app.announcer.queue import Queue
from hooks_app.announcer.quiet import quiet_until
from hooks_app.announcer.reminders import Reminders
from hooks_app.announcer.verdict import Later, Verdict, Void
from hooks_app.clock import Clock
from hooks_app.database import Database, reason_of

TIDY_SECONDS = 2.0
AGAIN_SECONDS = 0.5
"""After the database did not take what came of an attempt, until it is offered that again."""
DECIDE_SECONDS = 20.0
"""What is not decided by then is not begun: an attempt may take 30 s, and must end within the lease."""

log = structlog.get_logger(__name__)
Result = TypeVar("Result")


class Worker:
    """Everything that the announcer does, without its process."""

    def __init__(self, facts: HookFacts, told: AnnouncementFacts, database: Database, clock: Clock, name: str) -> None:
        self._places = {place.name: place for place in told.settings.destinations}
        self._mode = told.settings.mode
        self.crier = Crier(facts, told.settings, database, clock)
        self.reminders = Reminders(database, clock, told.settings.countdown_minutes)
        self.digest = Digest(database, clock, self._places, told.templates)
        self.queue = Queue(database, clock, name, told.settings.destinations)
        self.delivery = Delivery(told, clock)
        self._tidied = float("-inf")
        self._clock = clock

    def look(self) -> int:
        """What is due becomes messages; returns how many. Raises SQLAlchemyError."""
        if self._clock.monotonic() - self._tidied >= TIDY_SECONDS:
            self._tidied = self._clock.monotonic()
            self.reminders.round()
            self.queue.tidy()
            self.queue.turned()
        return self.digest.round() + self.crier.round()

    def send_next(self, beat: Callable[[], None] = lambda: None) -> bool:
        """Attempt one message; False where there is none. `beat` is called while it waits for the database.

        Raises SQLAlchemyError.
        """
        began = self._clock.monotonic()
        message = self.queue.claim()
        if message is None:
            return False
        # What is known of a message is not thrown away: after its lease, others would have to send it again.
        standing = self._insist(lambda: self.queue.standing(message), began + DECIDE_SECONDS, beat)
        deed = self._attempt(message, standing)
        self._insist(deed, began + LEASE_SECONDS, beat)
        return True

    def _attempt(self, message: Message, standing: Verdict) -> Callable[[], None]:
        """Send it, unless it is not to be sent, or not now; returns what is to be written down."""
        reason = standing.reason if isinstance(standing, Void) else self.delivery.idle(message)
        if self._mode == "off":
            reason = "announcements are off"
        if reason:
            return lambda: self.queue.drop(message, "dropped", reason)
        if quiet := self._quiet_until(message):
            return lambda: self.queue.give_back(message, quiet, held=True)
        if isinstance(standing, Later):
            return lambda: self.queue.give_back(message, standing.at, held=False)
        if self.delivery.is_dry:
            return lambda: self.queue.drop(message, "dry_run", "dry run")
        outcome = self.delivery.send(message)
        return lambda: self.queue.settle(message, outcome)

    def _quiet_until(self, message: Message) -> datetime | None:
        """Whatever has delayed it, a pause or the switch: what counts is whether it is quiet when it is sent."""
        place = self._places[message.destination]
        edits = place.kind == "discord" and message.occasion is Occasion.ENDED and message.earlier is not None
        if message.part != "post" or edits:
            return None
        return quiet_until(place.quiet_hours, message.occasion.value, self._clock.now())

    def _insist(self, deed: Callable[[], Result], end: float, beat: Callable[[], None]) -> Result:
        """Until the database does it, or until `end` on the monotonic clock; each try is a transaction of its own."""
        while True:
            try:
                return deed()
            except SQLAlchemyError as error:
                if self._clock.monotonic() + AGAIN_SECONDS >= end:
                    raise
                log.error("database", error=reason_of(error))
            beat()
            self._clock.sleep(AGAIN_SECONDS)
