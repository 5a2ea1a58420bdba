"""Do events start when people of that zone expect it, over every change of their clocks?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks_app.recurrence import Occurrence, ScheduleError, check_rule, occurrences, to_utc, zone

YEAR = {"after": datetime(2026, 1, 1, tzinfo=UTC), "before": datetime(2027, 1, 1, tzinfo=UTC)}


def starts(starts_local: str, time_zone: str, rule: str | None, **window: datetime) -> list[str]:
    """UTC starts, as text."""
    found = occurrences(starts_local=starts_local, time_zone=time_zone, rule=rule, **(window or YEAR))
    return [f"{one.starts_at:%m-%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    "starts_local, time_zone, rule, expected",
    [
        # Spring forward on 29 March 2026: 20:00 stays 20:00.
        (
            "2026-03-22T20:00:00",
            "Europe/Berlin",
            "FREQ=WEEKLY;COUNT=3",
            ["03-22 19:00", "03-29 18:00", "04-05 18:00"],
        ),
        # 02:30 does not exist that day: with the offset from before the gap it is 03:30.
        (
            "2026-03-28T02:30:00",
            "Europe/Berlin",
            "FREQ=DAILY;COUNT=3",
            ["03-28 01:30", "03-29 01:30", "03-30 00:30"],
        ),
        # 02:30 comes twice on 25 October: the first one.
        (
            "2026-10-24T02:30:00",
            "Europe/Berlin",
            "FREQ=DAILY;COUNT=3",
            ["10-24 00:30", "10-25 00:30", "10-26 01:30"],
        ),
        (
            "2026-03-07T20:00:00",
            "America/New_York",
            "FREQ=DAILY;COUNT=3",
            ["03-08 01:00", "03-09 00:00", "03-10 00:00"],
        ),
        # Half an hour, not a whole one.
        (
            "2026-10-03T20:00:00",
            "Australia/Lord_Howe",
            "FREQ=DAILY;COUNT=3",
            ["10-03 09:30", "10-04 09:00", "10-05 09:00"],
        ),
        ("2026-06-01T12:00:00", "UTC", None, ["06-01 12:00"]),
        ("2026-01-30T12:00:00", "UTC", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", ["01-30 12:00", "02-27 12:00"]),
        ("2026-11-01T12:00:00", "UTC", "FREQ=DAILY;UNTIL=20261102T120000Z", ["11-01 12:00", "11-02 12:00"]),
        # UNTIL is in UTC, the rule in local times: 23:00 in Berlin is 22:00 UTC.
        ("2026-11-01T23:00:00", "Europe/Berlin", "FREQ=DAILY;UNTIL=20261101T220000Z", ["11-01 22:00"]),
        ("2026-11-01T23:00:00", "Europe/Berlin", "freq=daily;until=20261101t220000z", ["11-01 22:00"]),
        # A day without a time: its evening still counts, as people of the zone have it.
        ("2026-12-30T20:00:00", "Europe/Berlin", "FREQ=DAILY;UNTIL=20261231", ["12-30 19:00", "12-31 19:00"]),
        ("2026-12-30T20:00:00", "America/New_York", "FREQ=DAILY;UNTIL=20261230", ["12-31 01:00"]),
    ],
)
def test_starts(starts_local: str, time_zone: str, rule: str | None, expected: list[str]) -> None:
    assert starts(starts_local, time_zone, rule) == expected


def test_an_exception_is_left_out() -> None:
    found = occurrences(
        starts_local="2026-05-01T20:00:00",
        time_zone="Europe/Berlin",
        rule="FREQ=DAILY;COUNT=3",
        exceptions=["2026-05-02T20:00:00"],
        **YEAR,
    )
    assert [one.local for one in found] == ["2026-05-01T20:00:00", "2026-05-03T20:00:00"]


@pytest.mark.parametrize(
    "rule, sentence",
    [
        ("", "is no RRULE"),
        ("weekly", "only BYDAY"),
        ("FREQ=SECONDLY", "FREQ is not one of"),
        ("FREQ=MINUTELY;COUNT=3", "FREQ is not one of"),
        ("FREQ=DAILY;BYHOUR=1,2,3", "has BYHOUR"),
        ("FREQ=DAILY;FREQ=WEEKLY", "a part twice"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "COUNT and UNTIL"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is not between"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL is not between"),
        ("FREQ=DAILY;COUNT=0", "COUNT is not between 1 and 5000"),
        ("FREQ=DAILY;COUNT=5001", "COUNT is not between 1 and 5000"),
        ("FREQ=WEEKLY;BYDAY=XX", "is no RRULE"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", "matches no day"),
        ("FREQ=YEARLY;BYMONTHDAY=99", "matches no day"),
        ("FREQ=DAILY;UNTIL=20200101T000000Z", "UNTIL is before"),
        ("FREQ=DAILY;UNTIL=20269999", "is no RRULE"),
        ("FREQ=DAILY\nRRULE:FREQ=WEEKLY", "is no RRULE"),
        ("FREQ=DAILY;" + "X" * 500, "characters: 500 are the most"),
    ],
)
def test_a_rule_that_cannot_be_has_a_sentence(rule: str, sentence: str) -> None:
    with pytest.raises(ScheduleError, match=sentence):
        check_rule(rule, "2026-06-01T20:00:00")


@pytest.mark.parametrize("text", ["2026-06-01", "2026-06-01 20:00:00", "2026-02-30T20:00:00", "2026-06-01T20:00:00Z"])
def test_a_start_that_is_no_local_time_has_a_sentence(text: str) -> None:
    with pytest.raises(ScheduleError, match="is no local time"):
        starts(text, "UTC", None)


@pytest.mark.parametrize("year", ["0001", "1969", "2201", "9999"])
def test_a_year_that_nobody_means_has_a_sentence(year: str) -> None:
    with pytest.raises(ScheduleError, match="not between the years 1970 and 2200"):
        starts(f"{year}-01-01T00:00:00", "Europe/Berlin", "FREQ=DAILY")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime"])
def test_a_zone_that_is_none_has_a_sentence(name: str) -> None:
    with pytest.raises(ScheduleError, match="is no time zone"):
        zone(name)


@pytest.mark.parametrize("rule", ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;INTERVAL=1000", "FREQ=DAILY"])
def test_rare_days_are_no_reason_to_refuse(rule: str) -> None:
    check_rule(rule, "2028-02-29T20:00:00")


def test_a_daily_series_that_began_long_ago_goes_on() -> None:
    assert len(starts("1980-01-01T20:00:00", "Europe/Berlin", "FREQ=DAILY")) == 365


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=DAILY;BYMONTH=3,4;BYDAY=SU",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;BYSETPOS=2",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,TU;WKST=SU",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=2,3,4",
        "FREQ=YEARLY;BYWEEKNO=1,20",
        "FREQ=YEARLY;BYYEARDAY=-1,100",
        "FREQ=DAILY;UNTIL=20260601T000000Z",
    ],
)
@pytest.mark.parametrize("first", ["2021-01-31T20:00:00", "2020-02-29T02:30:00", "2022-11-09T23:45:00"])
def test_what_is_left_out_of_the_past_changes_nothing(rule: str, first: str) -> None:
    whole = rrulestr(rule.replace("T000000Z", "T000000"), dtstart=datetime.fromisoformat(first))
    for month in range(1, 13):
        begin = datetime(2026, month, 3)
        found = occurrences(
            starts_local=first,
            time_zone="UTC",
            rule=rule,
            after=begin.replace(tzinfo=UTC),
            before=(begin + timedelta(days=40)).replace(tzinfo=UTC),
        )
        expected = list(whole.between(begin, begin + timedelta(days=40), inc=True))
        assert [one.local for one in found] == [f"{one:%Y-%m-%dT%H:%M:%S}" for one in expected]


RULES = st.sampled_from(
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=SU,WE",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=WEEKLY;INTERVAL=2",
        "FREQ=DAILY;COUNT=40",
    ]
)
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(RULES, ZONES, st.integers(0, 23), MOMENTS, st.integers(1, 120), st.integers(1, 120))
def test_a_window_cut_in_two_has_the_same_starts(
    rule: str, time_zone: str, hour: int, after: datetime, first_days: int, more_days: int
) -> None:
    def between(after: datetime, before: datetime) -> list[Occurrence]:
        text = f"2026-01-31T{hour:02}:30:00"
        return occurrences(starts_local=text, time_zone=time_zone, rule=rule, after=after, before=before)

    middle = after + timedelta(days=first_days)
    end = middle + timedelta(days=more_days)
    whole = between(after, end)
    assert whole == [*between(after, middle), *between(middle, end)]
    assert whole == sorted(set(whole))
    assert all(to_utc(datetime.fromisoformat(one.local), zone(time_zone)) == one.starts_at for one in whole)
