"""Who is let in, and how: the encoder is attached before the publisher is.

nginx-rtmp holds the publisher until on_publish answers, so the encoder waits on the stream when its first keyframe
arrives. Every doubt is a no: an outage of the database, of systemd or of the stat page admits nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts, StreamFacts
from hooks_app.clock import Clock
from hooks_app.form import Call, RefusedError
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger, SessionView
from hooks_app.slots import Slots
from hooks_app.stat_page import StatPageError, StatReader
from hooks_app.states import Event
from hooks_app.units import UnitError, Units

POLL_SECONDS = 0.02
SLOT_SECONDS = 0.5
"""How long a hook waits for the reconcile loop to let go of the stream."""
ADMITTING_SECONDS = 1.0
"""How long after a yes the publisher may not be on the stat page yet; measured in milliseconds, bounded generously."""
LEAVING_SECONDS = 0.3
"""How long a publisher that is said to have left may still be on the stat page."""

log = structlog.get_logger(__name__)


class UnavailableError(Exception):
    """The answer is no for now: something of ours does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Answers nginx's two hooks."""

    facts: HookFacts
    streams: Mapping[str, StreamFacts]
    keys: KeyRing
    ledger: Ledger
    units: Units
    stat: StatReader
    slots: Slots
    clock: Clock
    _admitted: dict[str, float] = field(default_factory=dict, init=False)

    def publish(self, call: Call) -> None:
        """Let a publisher in by returning. Raises RefusedError (for good) or UnavailableError (for now)."""
        deadline = self.clock.monotonic() + self.facts.attach_timeout_seconds
        key_id = self._authorise(call)
        with self.slots.hold(call.slug, SLOT_SECONDS) as held:
            if not held:
                raise UnavailableError("another publisher is being admitted")
            waiting = self._encoders_before(call.slug)
            session = self.ledger.begin(call.slug, call.client_id)
            try:
                self._attach(call.slug, waiting, deadline)
                self.ledger.admit(session.id)
            except BaseException as error:
                self._give_up(session, str(error) if isinstance(error, UnavailableError) else "failed")
                raise
            self._admitted[call.slug] = self.clock.monotonic()
        log.info("publisher admitted", stream=call.slug, session=session.id, client=call.client_id, key_id=key_id)

    def done(self, call: Call) -> None:
        """A publisher is said to have left. Believed only if the stat page agrees; anything else is reconcile's."""
        with self.slots.hold(call.slug, SLOT_SECONDS) as held:
            session = self.ledger.open_sessions().get(call.slug) if held else None
            # A refused second publisher leaves too; the session belongs to the first.
            if session is None or session.client_id != call.client_id or not self._has_left(call):
                return
            self.ledger.move(session.id, Event.GONE, "publisher left")
            self._admitted.pop(call.slug, None)
            self.units.stop(call.slug)
        log.info("session ended", stream=call.slug, session=session.id, reason="publisher left")

    def _authorise(self, call: Call) -> str:
        if call.application != self.facts.application:
            raise RefusedError("unknown application")
        if call.slug not in self.streams:
            raise RefusedError("no such stream")
        key_id = self.keys.match(call.slug, call.key)
        if key_id is None:
            raise RefusedError("wrong key")
        return key_id

    def _encoders_before(self, slug: str) -> frozenset[int]:
        """The players that are there already: leftovers, of which none is the encoder that is about to start."""
        streaming = self.stat.read().of(slug)
        since_yes = self.clock.monotonic() - self._admitted.get(slug, float("-inf"))
        if streaming.publisher is not None or since_yes < ADMITTING_SECONDS:
            raise RefusedError("stream has a publisher")
        return streaming.encoders

    def _attach(self, slug: str, before: frozenset[int], deadline: float) -> None:
        self.units.restart(slug)
        while self.clock.monotonic() < deadline:
            if self.stat.read().of(slug).encoders - before:
                return
            self.clock.sleep(POLL_SECONDS)
        raise UnavailableError("encoder did not attach in time")

    def _give_up(self, session: SessionView, reason: str) -> None:
        """Leave nothing behind; what fails here as well is reconcile's to mend."""
        try:
            self.units.stop(session.slug)
        except UnitError as error:
            log.error("encoder not stopped", stream=session.slug, error=str(error))
        try:
            self.ledger.move(session.id, Event.GONE, f"refused: {reason}")
        except SQLAlchemyError as error:
            log.error("session not ended", stream=session.slug, error=type(error).__name__)

    def _has_left(self, call: Call) -> bool:
        deadline = self.clock.monotonic() + LEAVING_SECONDS
        try:
            while self.stat.read().of(call.slug).publisher == call.client_id:
                if self.clock.monotonic() >= deadline:
                    return False
                self.clock.sleep(POLL_SECONDS)
        except StatPageError:
            return False
        return True
