"""The reconcile loop: hooks are hints, the stat page and systemd are the truth.

Each round looks at everything once. Where something is wrong it takes the stream's slot, looks again (a hook may have
been at work) and mends what is still wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from headend.model.facts import StreamFacts
from hooks_app.clock import Clock
from hooks_app.ledger import Ledger, SessionView
from hooks_app.media import Media
from hooks_app.memory import Since
from hooks_app.repair import Repair, Sight, decide
from hooks_app.slots import Slots
from hooks_app.stat_page import IngestDownError, StatPage, StatPageError, StatReader
from hooks_app.states import Event, State
from hooks_app.units import UnitError, Units

STALL_SEGMENTS = 3
STALL_MARGIN_SECONDS = 2.0
"""Live is withdrawn when the newest segment is older than three segments and this: longer than an encoder's restart."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything, seen once. `stat` is None while nginx is down."""

    stat: StatPage | None
    running: frozenset[str]
    sessions: Mapping[str, SessionView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Compares and mends."""

    streams: Mapping[str, StreamFacts]
    ledger: Ledger
    units: Units
    stat: StatReader
    media: Media
    slots: Slots
    clock: Clock
    _presence: Since = field(default_factory=Since, init=False)
    _attachment: Since = field(default_factory=Since, init=False)
    _growth: Since = field(default_factory=Since, init=False)

    def round(self) -> None:
        """One round. Raises SQLAlchemyError; an unreadable stat page or a mute systemd only means: nothing is known."""
        try:
            look = self._look()
            # Declared streams, and whatever an earlier spec left running.
            for slug in sorted({*self.streams, *look.running, *look.sessions}):
                if decide(self._sight(slug, look)):
                    self._mend(slug)
        except (StatPageError, UnitError) as error:
            log.warning("nothing known", error=str(error))
        self.ledger.tick()

    def _mend(self, slug: str) -> None:
        with self.slots.hold(slug, 0) as held:
            if not held:
                return
            look = self._look()
            sight = self._sight(slug, look)
            for repair in decide(sight):
                log.warning("repair", stream=slug, repair=repair.value)
                try:
                    self._do(repair, slug, sight)
                except UnitError as error:
                    # One encoder that cannot be had or stopped is no reason to leave the other streams as they are.
                    log.error("repair failed", stream=slug, repair=repair.value, error=str(error))

    def _look(self) -> Look:
        try:
            stat = self.stat.read()
        except IngestDownError:
            stat = None
        return Look(stat, self.units.running(), self.ledger.open_sessions())

    def _sight(self, slug: str, look: Look) -> Sight:
        now = self.clock.monotonic()
        session = look.sessions.get(slug)
        streaming = (look.stat or StatPage()).of(slug)
        present = streaming.publisher is not None
        # Keyed by session too: a session that has just begun has not been without its publisher for long.
        presence = (present, session.id if session else None)
        detached = present and not streaming.encoders
        detached_for = self._attachment.seconds(slug, detached, now)
        return Sight(
            declared=slug in self.streams,
            ingest_up=look.stat is not None,
            publisher=streaming.publisher,
            session=session,
            encoder_running=slug in look.running,
            absent_seconds=self._presence.seconds(slug, presence, now),
            detached_seconds=detached_for if detached else 0.0,
            stalled=self._stalled(slug, session, now),
        )

    def _stalled(self, slug: str, session: SessionView | None, now: float) -> bool:
        stream = self.streams.get(slug)
        if stream is None or session is None or session.state is not State.LIVE:
            return False
        limit = STALL_SEGMENTS * stream.segment_seconds + STALL_MARGIN_SECONDS
        newest = enumerate(self.media.newest(stream))
        # Each rendition by itself: one that stands still is enough.
        return max(self._growth.seconds(f"{slug}/{index}", segment, now) for index, segment in newest) > limit

    def _do(self, repair: Repair, slug: str, sight: Sight) -> None:
        match repair, sight.session:
            case Repair.END, SessionView() as session:
                self.ledger.move(session.id, Event.GONE, "publisher gone")
            case Repair.WITHDRAW, SessionView() as session:
                self.ledger.move(session.id, Event.STALLED)
            case Repair.ADOPT, _ if sight.publisher is not None:
                self.ledger.begin(slug, sight.publisher, admitted=True)
            case Repair.STOP, _:
                self.units.stop(slug)
            case Repair.RESTART, _:
                self._attachment.forget(slug)
                self.units.restart(slug)
