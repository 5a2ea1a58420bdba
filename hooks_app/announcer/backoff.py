"""When a message is tried again. Pure, but for the dice."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE_SECONDS = 1.0
CAP_SECONDS = 300.0
MAX_ATTEMPTS = 8
"""After so many it is dead: with full jitter, after four to nine minutes on average."""
LONGEST_PAUSE_SECONDS = 24 * 3600.0
"""Whoever asks for more of a pause than a day gets a day."""


def delay_seconds(attempts: int, dice: random.Random) -> float:
    """How long to wait after so many attempts: exponential, capped, with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return dice.uniform(0.0, min(CAP_SECONDS, BASE_SECONDS * 2.0**attempts))


def pause_seconds(headers: dict[str, str] | object, now: datetime) -> float | None:
    """What a Retry-After says (RFC 9110 10.2.3: seconds, or a date); None where there is none that can be read."""
    text = headers.get("retry-after", "").strip() if isinstance(headers, dict) else ""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    if seconds != seconds:
        return None
    return min(max(0.0, seconds), LONGEST_PAUSE_SECONDS)
