"""When a schedule's events start: once or by an RRULE (RFC 5545 section 3.3.10), in the local time of its zone. Pure.

A weekly 20:00 stays 20:00 on people's clocks over both changes of the year. A local time that the spring change leaves
out is read with the offset from before the gap (section 3.3.5); one that the autumn change has twice is the first.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrule, rrulestr

LOCAL_FORMAT = "%Y-%m-%dT%H:%M:%S"
RULE_LENGTH = 500
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# Everything of section 3.3.10 but what is smaller than a day.
PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
    | {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS"}
)
COUNT = 5000
"""Most occurrences that a rule with a COUNT may have, and most that are looked at: a daily one has them in 13 years."""
YEARS = range(1970, 2201)
"""Of a local time; with others the calendar's own arithmetic ends."""
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


class ScheduleError(ValueError):
    """A schedule that cannot be; the message is one sentence for people."""


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One start."""

    starts_at: datetime
    """Aware, UTC."""
    local: str
    """The same as people of the zone read it, YYYY-MM-DDTHH:MM:SS."""


def parse_local(text: str) -> datetime:
    """A local time, naive. Raises ScheduleError."""
    try:
        if not _LOCAL.fullmatch(text):
            raise ValueError
        local = datetime.strptime(text, LOCAL_FORMAT)
    except ValueError:
        raise ScheduleError(f"{text!r} is no local time: write it like 2026-12-01T20:00:00, without a zone.") from None
    if local.year not in YEARS:
        raise ScheduleError(f"{text!r} is not between the years {YEARS[0]} and {YEARS[-1]}.")
    return local


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ScheduleError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"{name!r} is no time zone: write an IANA name like Europe/Berlin.") from None


def check_rule(rule: str, starts_local: str) -> None:
    """Raises ScheduleError for a rule that is malformed, has parts smaller than a day, or never matches."""
    first = parse_local(starts_local)
    # dateutil looks for a day that never comes up to the year 9999, which takes seconds. The calendar repeats itself
    # every 400 years, so the same question is asked shortly before that.
    late = first.replace(year=first.year + 400 * ((9950 - first.year) // 400))
    endless = re.sub(r";?(UNTIL|COUNT)=[^;]*", "", rule, flags=re.IGNORECASE).strip(";")
    if next(iter(_parse(endless, late, ZoneInfo("UTC"))), None) is None:
        raise ScheduleError("The rule matches no day.")
    if next(iter(_parse(rule, first, ZoneInfo("UTC"))), None) is None:
        raise ScheduleError("The rule's UNTIL is before its first day.")


def occurrences(
    *,
    starts_local: str,
    time_zone: str,
    rule: str | None,
    exceptions: Collection[str] = (),
    after: datetime,
    before: datetime,
) -> list[Occurrence]:
    """The starts in [after, before), ascending and without those on the days of `exceptions` (local times).

    Raises ScheduleError.
    """
    where, first = zone(time_zone), parse_local(starts_local)
    # A local time is less than a day from the same reading in UTC.
    starts = (first,) if rule is None else _near(rule, first, where, after.replace(tzinfo=None) - timedelta(days=2))
    found: dict[str, Occurrence] = {}
    days_off = days_of(exceptions)
    for local in islice(starts, COUNT):
        if local.replace(tzinfo=UTC) >= before + timedelta(days=2):
            break
        text, at = local.strftime(LOCAL_FORMAT), to_utc(local, where)
        if after <= at < before and text[:10] not in days_off:
            found[text] = Occurrence(at, text)
    return sorted(found.values())


def days_of(exceptions: Collection[str]) -> frozenset[str]:
    """There is one start a day at most, so that an exception holds for its day, at whichever time that is."""
    return frozenset(local[:10] for local in exceptions)


def to_utc(local: datetime, where: ZoneInfo) -> datetime:
    """A naive local time as UTC; in a gap with the offset from before it, in a fold the first of the two."""
    return local.replace(tzinfo=where, fold=0).astimezone(UTC)


def _near(rule: str, first: datetime, where: ZoneInfo, near: datetime) -> rrule:
    """The rule from its last period before `near` on, however long ago it began; one with a COUNT from the beginning.

    Whole intervals are left out, so that those that follow are the same.
    """
    _check_parts(rule)
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";"))
    if near <= first or "COUNT" in parts:
        return _built(rule, first, where)
    interval, frequency = int(parts.get("INTERVAL", "1")), parts["FREQ"]
    if frequency in {"DAILY", "WEEKLY"}:
        days = interval * (7 if frequency == "WEEKLY" else 1)
        # One more before: the first week is from the first day only, and BYSETPOS would count from there.
        periods = max(0, (near - first).days // days - 1)
        return _built(rule, first + timedelta(days=periods * days), where)
    months = interval * (12 if frequency == "YEARLY" else 1)
    passed = ((near.year - first.year) * 12 + near.month - first.month - 1) // months * months
    if passed <= 0:
        return _built(rule, first, where)
    # The first day is in every month; which day it was to be would otherwise follow from the start.
    if {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"}.isdisjoint(parts):
        rule += f";BYMONTHDAY={first.day}"
        if frequency == "YEARLY" and "BYMONTH" not in parts:
            rule += f";BYMONTH={first.month}"
    year, month = divmod(first.year * 12 + first.month - 1 + passed, 12)
    return _built(rule, first.replace(year=year, month=1 if frequency == "YEARLY" else month + 1, day=1), where)


def _parse(rule: str, first: datetime, where: ZoneInfo) -> rrule:
    _check_parts(rule)
    return _built(rule, first, where)


def _built(rule: str, first: datetime, where: ZoneInfo) -> rrule:
    text = re.sub(r"UNTIL=(\d{8}T\d{6})Z", lambda until: f"UNTIL={_until(until.group(1), where)}", rule.upper())
    # A day without a time is meant with its evening.
    text = re.sub(r"UNTIL=(\d{8})(?=;|$)", r"UNTIL=\1T235959", text)
    try:
        parsed = rrulestr(text, dtstart=first)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise ScheduleError(f"{rule!r} is no RRULE: write it like FREQ=WEEKLY;BYDAY=TU,TH.") from None
    if not isinstance(parsed, rrule):
        raise ScheduleError(f"{rule!r} is more than one rule.")
    return parsed


def _check_parts(rule: str) -> None:
    if len(rule) > RULE_LENGTH:
        raise ScheduleError(f"The rule has {len(rule)} characters: {RULE_LENGTH} are the most.")
    if not re.fullmatch(r"[A-Za-z0-9=,;+-]+", rule):
        raise ScheduleError(f"{rule!r} is no RRULE: write it like FREQ=WEEKLY;BYDAY=TU,TH.")
    names = [part.partition("=")[0].upper() for part in rule.split(";")]
    if strange := sorted(set(names) - PARTS):
        raise ScheduleError(f"The rule has {', '.join(strange)}: only {', '.join(sorted(PARTS))} are known here.")
    if {"COUNT", "UNTIL"} <= set(names):
        raise ScheduleError("The rule has COUNT and UNTIL: only one of them can be.")
    if len(names) != len(set(names)):
        raise ScheduleError("The rule has a part twice.")
    frequency = re.search(r"(?:^|;)FREQ=(\w+)", rule, re.IGNORECASE)
    if frequency is None or frequency.group(1).upper() not in FREQUENCIES:
        raise ScheduleError(f"The rule's FREQ is not one of {', '.join(FREQUENCIES)}.")
    for name, most in (("INTERVAL", 1000), ("COUNT", COUNT)):
        number = re.search(rf"(?:^|;){name}=([^;]*)", rule, re.IGNORECASE)
        if number is not None and int(number.group(1) if number.group(1).isdigit() else 0) not in range(1, most + 1):
            raise ScheduleError(f"The rule's {name} is not between 1 and {most}.")


def _until(text: str, where: ZoneInfo) -> str:
    """An UNTIL in UTC as a local time: the rule is worked out in local times."""
    try:
        moment = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ScheduleError(f"UNTIL={text}Z is no time.") from None
    return moment.astimezone(where).strftime("%Y%m%dT%H%M%S")
