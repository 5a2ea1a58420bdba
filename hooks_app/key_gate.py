"""When a key lets in: always, or only around events."""

from __future__ import annotations

from dataclasses import dataclass

from hooks_app.clock import Clock
from hooks_app.events import Events
from hooks_app.keys import KeyView


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGate:
    """Knows it of every key. One rule for the door of nginx@srt and for the hook behind it."""

    events: Events
    clock: Clock
    lead_seconds: float
    """How long before an event's start its publisher may come."""

    def is_open(self, key: KeyView) -> bool:
        """A key for events lets in around its event, or around any of its stream's. Raises SQLAlchemyError."""
        if key.gate == "always":
            return True
        return self.events.window_open(key.slug, self.clock.now(), self.lead_seconds, event_id=key.event_id)
