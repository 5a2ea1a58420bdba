"""The reconcile loop: hooks are hints, the stat page and systemd are the truth.

Each round looks at everything once. Where something is wrong it takes the stream's slot, looks again (a hook may have
been at work) and mends what is still wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from headend.model.facts import StreamFacts
from hooks_app.admit_list import AdmitList
from hooks_app.bit_rates import BitRates
from hooks_app.clock import Clock
from hooks_app.dropper import DropError, Dropper
from hooks_app.ledger import ElsewhereError, Ledger
from hooks_app.media import Media
from hooks_app.memory import Since
from hooks_app.metrics import Metrics
from hooks_app.repair import Repair, Sight, decide
from hooks_app.session_view import SessionView
from hooks_app.silence import Silence
from hooks_app.slots import Slots
from hooks_app.stat_page import IngestDownError, StatPage, StatPageError, StatReader
from hooks_app.states import State, Trigger
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
    """Those that are not over, of every host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Compares and mends."""

    streams: Mapping[str, StreamFacts]
    ledger: Ledger
    units: Units
    stat: StatReader
    media: Media
    slots: Slots
    dropper: Dropper
    silence: Silence
    bit_rates: BitRates
    admit_list: AdmitList
    metrics: Metrics
    clock: Clock
    _presence: Since = field(default_factory=Since, init=False)
    _attachment: Since = field(default_factory=Since, init=False)
    _growth: Since = field(default_factory=Since, init=False)

    def round(self) -> None:
        """One round. Raises SQLAlchemyError; an unreadable stat page or a mute systemd only means: nothing is known."""
        try:
            for orphan in self.ledger.end_orphans():
                log.warning("session ended", stream=orphan.slug, session=orphan.id, reason=orphan.reason)
            look = self._look()
            # Known streams, and whatever an earlier spec left running.
            for slug in sorted({*self.streams, *look.running, *look.sessions}):
                if decide(self._sight(slug, look)):
                    self._mend(slug)
                self._note_codecs(slug, look)
        except (StatPageError, UnitError) as error:
            log.warning("nothing known", error=str(error))
        self.admit_list.refresh()
        self.ledger.tick()

    def _mend(self, slug: str) -> None:
        with self.slots.hold(slug, 0) as held:
            if not held:
                return
            look = self._look()
            sight = self._sight(slug, look)
            for repair in decide(sight):
                try:
                    self._do(repair, slug, sight)
                except (UnitError, DropError) as error:
                    # One encoder that cannot be had or stopped is no reason to leave the other streams as they are.
                    log.error("repair failed", stream=slug, repair=repair.value, error=str(error))
                else:
                    log.warning("repair", stream=slug, repair=repair.value)
                    self.metrics.repaired(repair.value)

    def _look(self) -> Look:
        try:
            stat = self.stat.read()
            self.silence.look(stat)
        except IngestDownError:
            stat = None
        self.bit_rates.look(stat or StatPage())
        return Look(stat, self.units.running(), self.ledger.open_sessions())

    def _sight(self, slug: str, look: Look) -> Sight:
        now = self.clock.monotonic()
        session, stream = look.sessions.get(slug), self.streams.get(slug)
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
            protocol=streaming.protocol,
            session=session,
            elsewhere=session is not None and not self.ledger.is_own(session),
            encoder_running=slug in look.running,
            absent_seconds=self._presence.seconds(slug, presence, now),
            lost_seconds=self.ledger.lost_seconds(session) if session else 0.0,
            grace_seconds=stream.reconnect_grace_seconds if stream else 0.0,
            detached_seconds=detached_for if detached else 0.0,
            stalled=self._stalled(slug, session, now),
            finished=session is not None or stream is None or self.media.finished(stream),
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
        stream = self.streams.get(slug)
        match repair, sight.session:
            case Repair.LOSE, SessionView() as session:
                self.ledger.move(session.id, Trigger.LOST, "publisher gone")
            case Repair.END, SessionView() as session:
                self.ledger.move(session.id, Trigger.OVER, session.ending or session.reason or "publisher gone")
            case Repair.WITHDRAW, SessionView() as session if stream is not None:
                newest = self.media.newest(stream)
                self.ledger.move(session.id, Trigger.STALLED, "a media playlist stands still", newest=newest)
            case Repair.ADOPT, _ if sight.publisher is not None and stream is not None:
                self._adopt(sight.publisher, sight, stream)
            case Repair.DROP, _:
                self.dropper.drop(slug)
            case Repair.STOP, _:
                self.units.stop(slug)
            case Repair.FINISH, _:
                self.units.finish(slug)
            case Repair.RESTART, _:
                self._attachment.forget(slug)
                self.units.restart(slug)

    def _adopt(self, client_id: int, sight: Sight, stream: StreamFacts) -> None:
        # Its key is known again, so that revoking it ends this session as well.
        publisher = self.ledger.publisher_of(stream.slug, client_id, sight.protocol)
        newest = self.media.newest(stream)
        try:
            self.ledger.begin(
                stream.slug,
                client_id,
                publisher,
                grace_seconds=stream.reconnect_grace_seconds,
                admitted=stream,
                newest=newest,
            )
        except ElsewhereError:
            self.dropper.drop(stream.slug)

    def _note_codecs(self, slug: str, look: Look) -> None:
        session = look.sessions.get(slug)
        codecs = (look.stat or StatPage()).of(slug).codecs
        if session is not None and codecs and session.codecs != codecs and self.ledger.is_own(session):
            self.ledger.note_codecs(session.id, codecs)
