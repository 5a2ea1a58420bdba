"""Watches the streams that are starting, closely: when every rendition is playable, the stream is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from headend.model.facts import StreamFacts
from hooks_app.ledger import Ledger
from hooks_app.media import Media
from hooks_app.states import Event, State

BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.5
"""Shorter than the shortest first segment, so a stream that has just started is seen before it is playable."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Turns starting into live."""

    streams: Mapping[str, StreamFacts]
    ledger: Ledger
    media: Media

    def look(self) -> float:
        """One look; returns the seconds until the next. Raises SQLAlchemyError."""
        starting = [
            s for s in self.ledger.open_sessions().values() if s.state is State.STARTING and s.slug in self.streams
        ]
        for session in starting:
            # Before the publisher is in, a playlist can only have been written by the previous encoder's last breath.
            if session.admitted_at is None or not self.media.playable(self.streams[session.slug], session.since):
                continue
            if self.ledger.move(session.id, Event.PLAYABLE):
                log.info("live", stream=session.slug, session=session.id)
        return BUSY_SECONDS if starting else IDLE_SECONDS
