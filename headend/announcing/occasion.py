"""On which occasions the audience hears of a broadcast."""

from __future__ import annotations

from enum import StrEnum


class Occasion(StrEnum):
    """Why something is said."""

    SCHEDULED = "scheduled"
    """An event was planned."""
    MOVED = "moved"
    """A planned event has another time."""
    CANCELLED = "cancelled"
    """A planned event will not be."""
    COUNTDOWN = "countdown"
    """An event starts in so many minutes."""
    LIVE = "live"
    """It is on air."""
    INTERRUPTED = "interrupted"
    """It has been off air for long, and may come back."""
    RESUMED = "resumed"
    """It came back, after an interruption that was told."""
    ENDED = "ended"
    """It is over."""
    RECAP = "recap"
    """What it was, and what to do next."""
    DIGEST = "digest"
    """Several announcements that had piled up in quiet hours, in one."""
