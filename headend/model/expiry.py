"""When something ends, as people type it: a duration from now, or a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

DURATION = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

LATEST = 9_999_999_999
"""Unix seconds; ten digits are what a stream id holds."""


def expiry(text: str, now: datetime) -> datetime:
    """The time that a duration (90s, 15m, 2h, 30d, 2w) or an ISO 8601 time means, in UTC and whole seconds.

    A time without an offset is UTC, a date is its first second. Raises ValueError with one sentence.
    """
    found = DURATION.fullmatch(text)
    seconds = int(now.timestamp()) + int(found[1]) * SECONDS[found[2]] if found else _time(text)
    if seconds <= now.timestamp():
        raise ValueError("that time is over; use a later one")
    if seconds > LATEST:
        raise ValueError("that is too far away; use a time before 2286")
    return datetime.fromtimestamp(seconds, UTC)


def _time(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("neither a duration (90s, 15m, 2h, 30d, 2w) nor a time (2027-01-31T20:00Z)") from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
