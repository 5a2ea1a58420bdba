"""Who is let in, and how: the encoder is attached before the publisher is.

nginx-rtmp holds the publisher until on_publish answers, so the encoder waits on the stream when its first keyframe
arrives. Every doubt is a no: an outage of the database, of systemd or of the stat page admits nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import StreamFacts
from hooks_app.admit_list import AdmitList
from hooks_app.authority import Authority
from hooks_app.clock import Clock
from hooks_app.dropper import DropError, Dropper
from hooks_app.form import Call, RefusedError
from hooks_app.ledger import ElsewhereError, Ledger
from hooks_app.media import Media
from hooks_app.publisher import Publisher
from hooks_app.session_view import SessionView
from hooks_app.silence import Silence
from hooks_app.slots import Slots
from hooks_app.stat_page import StatPage, StatPageError, StatReader
from hooks_app.states import State, Trigger
from hooks_app.units import UnitError, Units

POLL_SECONDS = 0.02
SLOT_SECONDS = 0.5
"""How long a hook waits for the reconcile loop to let go of the stream."""
ADMITTING_SECONDS = 1.0
"""How long after a yes the publisher may not be on the stat page yet; measured in milliseconds, bounded generously."""
LEAVING_SECONDS = 0.3
"""How long a publisher that is said to have left, or was dropped, may still be on the stat page."""
SILENT_SECONDS = 5.0
"""A publisher that has sent nothing for so long may be replaced, where the stream's policy says so."""

log = structlog.get_logger(__name__)


class UnavailableError(Exception):
    """The answer is no for now: something of ours does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Answers nginx's two hooks."""

    authority: Authority
    attach_timeout_seconds: float
    streams: Mapping[str, StreamFacts]
    ledger: Ledger
    units: Units
    stat: StatReader
    media: Media
    dropper: Dropper
    silence: Silence
    slots: Slots
    admit_list: AdmitList
    clock: Clock
    _admitted: dict[str, float] = field(default_factory=dict, init=False)

    def publish(self, call: Call) -> float:
        """Let a publisher in by returning; returns how many seconds the encoder took to attach.

        Raises RefusedError (for good) or UnavailableError (for now).
        """
        deadline = self.clock.monotonic() + self.attach_timeout_seconds
        publisher = self.authority.authorise(call)
        with self.slots.hold(call.slug, SLOT_SECONDS) as held:
            if not held:
                raise UnavailableError("another publisher is being admitted")
            self.authority.check_unused(publisher)
            if self.ledger.is_kicked(call.slug):
                raise RefusedError("stream was kicked")
            waiting = self._encoders_before(call.slug)
            session = self._begin(call, publisher)
            attach_seconds = self._let_in(call, publisher, session, waiting, deadline)
            self._admitted[call.slug] = self.clock.monotonic()
        log.info(
            "publisher admitted",
            stream=call.slug,
            session=session.id,
            client=call.client_id,
            protocol=publisher.protocol.value,
            key_id=publisher.key_id,
            returned=not session.has_publisher,
        )
        return attach_seconds

    def done(self, call: Call) -> float:
        """A publisher is said to have left. Believed only if the stat page agrees; anything else is reconcile's.

        Returns 0: nobody attaches.
        """
        with self.slots.hold(call.slug, SLOT_SECONDS) as held:
            session = self.ledger.own_sessions().get(call.slug) if held else None
            # A refused second publisher leaves too; the session belongs to the first.
            if session is None or session.client_id != call.client_id or not session.has_publisher:
                return 0.0
            if not self._has_left(call.slug, call.client_id):
                return 0.0
            self._admitted.pop(call.slug, None)
            goes_on = self._lose(session, "publisher left")
            self.admit_list.refresh()
        log.info("publisher left", stream=call.slug, session=session.id, interrupted=goes_on)
        return 0.0

    def _begin(self, call: Call, publisher: Publisher) -> SessionView:
        try:
            grace = self.streams[call.slug].reconnect_grace_seconds
            return self.ledger.begin(call.slug, call.client_id, publisher, grace_seconds=grace)
        except ElsewhereError as error:
            raise RefusedError(str(error)) from None

    def _let_in(
        self, call: Call, publisher: Publisher, session: SessionView, waiting: frozenset[int], deadline: float
    ) -> float:
        stream = self.streams[call.slug]
        try:
            began = self.clock.monotonic()
            self._attach(call.slug, waiting, deadline)
            attach_seconds = self.clock.monotonic() - began
            self.ledger.admit(session.id, call.client_id, publisher, stream, self.media.newest(stream))
            if not session.has_publisher:
                # It has one again; of every other the list said so while the encoder attached.
                self.admit_list.refresh()
        except ElsewhereError as error:
            self._give_up(session, str(error))
            raise UnavailableError(str(error)) from None
        except BaseException as error:
            self._give_up(session, str(error) if isinstance(error, UnavailableError) else "failed")
            raise
        return attach_seconds

    def _lose(self, session: SessionView, reason: str) -> bool:
        """The publisher is gone; returns whether the session goes on without it for a while."""
        grace = self.streams[session.slug].reconnect_grace_seconds if session.slug in self.streams else 0
        was_live = session.state in {State.LIVE, State.INTERRUPTED} and session.ending is None
        if was_live and grace > 0:
            self.ledger.move(session.id, Trigger.LOST, reason)
            self.units.stop(session.slug)
            return True
        self.ledger.move(session.id, Trigger.OVER, session.ending or reason)
        self.units.finish(session.slug)
        return False

    def _encoders_before(self, slug: str) -> frozenset[int]:
        """The players that are there already: leftovers, of which none is the encoder that is about to start."""
        page = self.stat.read()
        self.silence.look(page)
        since_yes = self.clock.monotonic() - self._admitted.get(slug, float("-inf"))
        if since_yes < ADMITTING_SECONDS:
            raise RefusedError("stream has a publisher")
        first = page.of(slug).publisher
        if first is not None:
            self._replace(slug, first, page)
            page = self.stat.read()
        return page.of(slug).encoders

    def _replace(self, slug: str, first: int, page: StatPage) -> None:
        """Drop a publisher that has been silent, if the stream's policy says so. Raises RefusedError."""
        stream = self.streams[slug]
        if stream.takeover != "replace_silent" or self.silence.seconds(slug, page) < SILENT_SECONDS:
            raise RefusedError("stream has a publisher")
        try:
            self.dropper.drop(slug)
        except DropError as error:
            raise UnavailableError(str(error)) from error
        if not self._has_left(slug, first):
            raise UnavailableError("the silent publisher does not leave")
        log.info("silent publisher replaced", stream=slug, client=first)

    def _attach(self, slug: str, before: frozenset[int], deadline: float) -> None:
        self.units.restart(slug)
        # While it starts: from now on an SRT caller of this stream is turned away at the door.
        self.admit_list.refresh()
        while self.clock.monotonic() < deadline:
            if self.stat.read().of(slug).encoders - before:
                return
            self.clock.sleep(POLL_SECONDS)
        raise UnavailableError("encoder did not attach in time")

    def _give_up(self, session: SessionView, reason: str) -> None:
        """Leave nothing behind; what fails here as well is reconcile's to mend.

        A session in its reconnect grace goes on waiting: the publisher may try again.
        """
        try:
            self.units.stop(session.slug)
        except UnitError as error:
            log.error("encoder not stopped", stream=session.slug, error=str(error))
        if session.has_publisher:
            try:
                self.ledger.move(session.id, Trigger.OVER, f"refused: {reason}")
            except SQLAlchemyError as error:
                log.error("session not ended", stream=session.slug, error=type(error).__name__)
        self.admit_list.refresh()

    def _has_left(self, slug: str, client_id: int) -> bool:
        deadline = self.clock.monotonic() + LEAVING_SECONDS
        try:
            while self.stat.read().of(slug).publisher == client_id:
                if self.clock.monotonic() >= deadline:
                    return False
                self.clock.sleep(POLL_SECONDS)
        except StatPageError:
            return False
        return True
