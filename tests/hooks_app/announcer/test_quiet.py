"""Do quiet hours end when the clocks of the people there say so?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.model.announcements import QuietHours
from hooks_app.announcer.quiet import quiet_until

NIGHT = QuietHours(start="22:00", end="07:30", time_zone="America/New_York", urgent=("live",))
NOON = QuietHours(start="12:00", end="13:00", time_zone="UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "now, over",
    [
        ("2026-01-15T02:59:59", None),
        ("2026-01-15T03:00:00", "2026-01-15T12:30:00"),
        ("2026-01-15T12:29:59", "2026-01-15T12:30:00"),
        ("2026-01-15T12:30:00", None),
        # 8 March: clocks go forward at 02:00, the night is an hour shorter. 1 November: back, an hour longer.
        ("2026-03-08T03:30:00", "2026-03-08T11:30:00"),
        ("2026-11-01T02:30:00", "2026-11-01T12:30:00"),
    ],
)
def test_nights_in_new_york(now: str, over: str | None) -> None:
    assert quiet_until(NIGHT, "recap", at(now)) == (at(over) if over else None)


def test_what_is_urgent_is_never_held() -> None:
    assert quiet_until(NIGHT, "live", at("2026-01-15T05:00:00")) is None


def test_hours_of_one_day() -> None:
    assert quiet_until(NOON, "live", at("2026-01-15T12:59:00")) == at("2026-01-15T13:00:00")
    assert quiet_until(NOON, "live", at("2026-01-15T13:00:00")) is None
    assert quiet_until(None, "live", at("2026-01-15T12:59:00")) is None


TIMES = st.times().map(lambda time: f"{time:%H:%M}")


@given(
    start=TIMES,
    end=TIMES,
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
)
def test_they_end_at_their_end_within_a_day_and_then_it_may_be_told(
    start: str, end: str, zone: str, now: datetime
) -> None:
    hours = QuietHours(start=start, end=end, time_zone=zone)
    over = quiet_until(hours, "live", now)
    if over is None:
        return
    assert timedelta(0) < over - now <= timedelta(hours=26)
    local = over.astimezone(ZoneInfo(zone))
    # Where that time does not exist or is skipped, the clock shows another one.
    assert (
        f"{local:%H:%M}" == end
        or local.utcoffset() != (over - timedelta(hours=3)).astimezone(ZoneInfo(zone)).utcoffset()
    )
