"""Quiet hours: when a place is not to be disturbed, and when that ends. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from headend.model.announcements import QuietHours


def quiet_until(hours: QuietHours | None, occasion: str, now: datetime) -> datetime | None:
    """Until when an occasion is not told, UTC; None where it may be told now.

    The end is the local time that people of the zone read off their clocks, also on days on which these are changed.
    """
    if hours is None or occasion in hours.urgent:
        return None
    start, end = time.fromisoformat(hours.start), time.fromisoformat(hours.end)
    local = now.astimezone(ZoneInfo(hours.time_zone))
    clock = local.time().replace(tzinfo=None)
    quiet = start <= clock < end if start < end else (clock >= start or clock < end)
    if not quiet or start == end:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    over = datetime.combine(day, end, ZoneInfo(hours.time_zone)).astimezone(UTC)
    # Where clocks are put back, the same reading comes twice: of the two, the one that lies ahead.
    if over <= now:
        over = datetime.combine(day, end, ZoneInfo(hours.time_zone)).replace(fold=1).astimezone(UTC)
    return over if over > now else None
