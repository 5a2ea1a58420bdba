"""What the announcer's processes do: what is due becomes messages, and messages are sent, one after the other."""

from __future__ import annotations

from headend.model.facts import AnnouncementFacts, HookFacts
from hooks_app.announcer.crier import Crier
from hooks_app.announcer.delivery import Delivery
from hooks_app.announcer.digest import Digest
from hooks_app.announcer.message import Message
from hooks_app.announcer.queue import Queue
from hooks_app.announcer.reminders import Reminders
from hooks_app.clock import Clock
from hooks_app.database import Database

TIDY_SECONDS = 2.0


class Worker:
    """Everything that the announcer does, without its process."""

    def __init__(self, facts: HookFacts, told: AnnouncementFacts, database: Database, clock: Clock, name: str) -> None:
        places = {place.name: place for place in told.settings.destinations}
        self.crier = Crier(facts, told.settings, database, clock)
        self.reminders = Reminders(database, clock, told.settings.countdown_minutes)
        self.digest = Digest(database, clock, places, told.templates)
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

    def send_next(self) -> bool:
        """Attempt one message; False where there is none. Raises SQLAlchemyError."""
        message = self.queue.claim()
        if message is None:
            return False
        self._attempt(message)
        return True

    def _attempt(self, message: Message) -> None:
        if reason := self.queue.stale(message) or self.delivery.idle(message):
            self.queue.drop(message, "dropped", reason)
        elif self.delivery.is_dry:
            self.queue.drop(message, "dry_run", "dry run")
        else:
            outcome = self.delivery.send(message)
            self.queue.settle(message, outcome)
