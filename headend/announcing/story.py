"""What there is to tell of a broadcast: the variables of every template."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from headend.model.base import Model

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Story(Model):
    """One broadcast, as it is when something is said of it. It is kept with each message, as JSON."""

    stream: str
    """Slug."""
    title: str
    """Of the event."""
    description: str = ""
    """Of the event."""
    owner: str = "site"
    """Whose stream it is."""
    live_url: str
    """The watch page."""
    playlist_url: str
    """The master playlist, for players."""
    poster_url: str | None = None
    """A picture."""
    starts_at: datetime | None = None
    """Planned start; of an event that was not planned, when it went on air."""
    ends_at: datetime | None = None
    """Planned end, if there is one."""
    live_at: datetime | None = None
    """When it went on air."""
    ended_at: datetime | None = None
    """When it was over."""
    time_zone: str = "UTC"
    """IANA name of the zone in which people of the site read times."""
    minutes: int | None = None
    """Countdown only: until the start."""
    peak_viewers: int | None = None
    """Most viewers at a time; None where nobody counted."""
    recap_url: str | None = None
    """Where what was is to be seen; None before there is anything."""
    call_to_action: str = ""
    """What viewers are asked to do, in words."""
    call_to_action_url: str | None = None
    """Where they do it."""
    hashtags: tuple[str, ...] = Field(default=(), strict=False)
    """With the #."""
    reason: str | None = None
    """Why it ended or was cancelled, in the origin's words."""
    items: tuple[str, ...] = Field(default=(), strict=False)
    """Digest only: what had piled up, a line each."""

    @classmethod
    def of_kept(cls, kept: dict[str, Any]) -> Story:
        """Out of what `model_dump(mode="json")` made of one."""
        return cls.model_validate(kept, strict=False)

    @property
    def starts(self) -> str:
        """The start as people of the site read it: Tue 1 Dec, 20:00 CET."""
        return self.in_words(self.starts_at)

    @property
    def starts_discord(self) -> str:
        """The start in each reader's own zone, as Discord shows it."""
        return f"<t:{int(self.starts_at.timestamp())}:F>" if self.starts_at else ""

    @property
    def starts_in_discord(self) -> str:
        """How long until the start, as Discord counts it."""
        return f"<t:{int(self.starts_at.timestamp())}:R>" if self.starts_at else ""

    @property
    def duration(self) -> str:
        """How long it was, or is planned to be: 1 h 5 min."""
        if self.live_at and self.ended_at:
            return length(self.ended_at - self.live_at)
        if self.starts_at and self.ends_at:
            return length(self.ends_at - self.starts_at)
        return ""

    def in_words(self, at: datetime | None) -> str:
        """A time in the site's zone."""
        if at is None:
            return ""
        local = at.astimezone(ZoneInfo(self.time_zone))
        return f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}, {local:%H:%M %Z}"


def length(span: timedelta) -> str:
    """A length in words, to the minute: 1 h 5 min; at least 1 min."""
    minutes = max(1, round(span.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest else [])])
