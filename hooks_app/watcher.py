"""Watches the streams that are about to be live, closely: when every rendition is playable, the stream is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from headend.model.facts import StreamFacts
from hooks_app.ledger import Ledger
from hooks_app.media import Media
from hooks_app.states import State, Trigger

BUSY_SECONDS = 0.05
IDLE_SECONDS = 0.5
"""Shorter than the shortest first segment, so a stream that has just started is seen before it is playable."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Turns starting and interrupted into live."""

    streams: Mapping[str, StreamFacts]
    ledger: Ledger
    media: Media

    def look(self) -> float:
        """One look; returns the seconds until the next. Raises SQLAlchemyError."""
        waiting = [
            session
            for session in self.ledger.own_sessions().values()
            if session.state in {State.STARTING, State.INTERRUPTED} and session.slug in self.streams
        ]
        for session in waiting:
            # Before the publisher is in, a playlist can only have been written by the previous encoder's last breath.
            if session.admitted_at is None or not session.has_publisher:
                continue
            if not self.media.playable(self.streams[session.slug], session.segments_before or ()):
                continue
            if self.ledger.move(session.id, Trigger.PLAYABLE):
                log.info("live", stream=session.slug, session=session.id)
        return BUSY_SECONDS if any(session.has_publisher for session in waiting) else IDLE_SECONDS
