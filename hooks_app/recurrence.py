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
"""Most occurrences that are looked at: a daily rule reaches that after 13 years."""
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
        return datetime.strptime(text, LOCAL_FORMAT)
    except ValueError:
        raise ScheduleError(f"{text!r} is no local time: write it like 2026-12-01T20:00:00, without a zone.") from None


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
    """The starts in [after, before), ascending and without those in `exceptions` (local times).

    Raises ScheduleError.
    """
    where, first = zone(time_zone), parse_local(starts_local)
    starts = (first,) if rule is None else _parse(rule, first, where)
    found: dict[str, Occurrence] = {}
    for local in islice(starts, COUNT):
        # A local time is less than a day from the same reading in UTC.
        if local.replace(tzinfo=UTC) >= before + timedelta(days=2):
            break
        text, at = local.strftime(LOCAL_FORMAT), to_utc(local, where)
        if after <= at < before and text not in exceptions:
            found[text] = Occurrence(at, text)
    return sorted(found.values())


def to_utc(local: datetime, where: ZoneInfo) -> datetime:
    """A naive local time as UTC; in a gap with the offset from before it, in a fold the first of the two."""
    return local.replace(tzinfo=where, fold=0).astimezone(UTC)


def _parse(rule: str, first: datetime, where: ZoneInfo) -> rrule:
    _check_parts(rule)
    text = re.sub(r"UNTIL=(\d{8}T\d{6})Z", lambda until: f"UNTIL={_until(until.group(1), where)}", rule)
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
    interval = re.search(r"(?:^|;)INTERVAL=(\d+)", rule, re.IGNORECASE)
    if interval is not None and not 1 <= int(interval.group(1)) <= 1000:
        raise ScheduleError("The rule's INTERVAL is not between 1 and 1000.")


def _until(text: str, where: ZoneInfo) -> str:
    """An UNTIL in UTC as a local time: the rule is worked out in local times."""
    try:
        moment = datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ScheduleError(f"UNTIL={text}Z is no time.") from None
    return moment.astimezone(where).strftime("%Y%m%dT%H%M%S")
