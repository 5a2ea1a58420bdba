"""Whether an occasion is told, and until when: the rules, by occasion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from headend.model.announcements import Announcements
from hooks_app.announcement_tables import AnnouncementRow
from hooks_app.announcer.reminders import stale_at
from hooks_app.states import OVER_STATES, State
from hooks_app.tables import EventRow, SessionRow

COOLDOWN = "told minutes ago"
RECHECK = timedelta(seconds=1)
ENDED_VALID = timedelta(hours=2)
RECAP_VALID = timedelta(hours=24)
CANCELLED_VALID = timedelta(hours=1)
NEWS_VALID = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Tell:
    """Now; messages are good until `not_after`."""

    not_after: datetime


@dataclass(frozen=True, slots=True)
class Later:
    """Look again then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Void:
    """Not at all."""

    reason: str


Verdict = Tell | Later | Void


def judge(db: Session, row: AnnouncementRow, settings: Announcements, now: datetime) -> Verdict:
    """The verdict on an occasion as things are now."""
    if settings.mode == "off":
        return Void("announcements are off")
    occasion = Occasion(row.occasion)
    if occasion in {Occasion.SCHEDULED, Occasion.MOVED, Occasion.COUNTDOWN, Occasion.CANCELLED}:
        return _planned(db, row, occasion, settings, now)
    session = db.get(SessionRow, row.session_id) if row.session_id is not None else None
    if session is None:
        return Void("its session is gone")
    match occasion:
        case Occasion.LIVE:
            return _live(db, row, session, settings, now)
        case Occasion.INTERRUPTED:
            return _interrupted(db, row, session, settings, now)
        case Occasion.RESUMED:
            return _resumed(db, row, session)
        case _:
            return _over(db, row, session, occasion, settings, now)


def still_true(
    db: Session, occasion: Occasion, session_id: int | None, event_id: int | None, start: datetime | None
) -> str:
    """Why a message is not true any more, in words; empty while it is. What was written down stays what happened."""
    session = db.get(SessionRow, session_id) if session_id is not None else None
    event = db.get(EventRow, event_id) if event_id is not None else None
    match occasion:
        case Occasion.LIVE | Occasion.RESUMED | Occasion.INTERRUPTED:
            return "" if session is not None and session.ended_at is None else "over before it could be told"
        case Occasion.COUNTDOWN | Occasion.SCHEDULED | Occasion.MOVED:
            return _not_planned(event, start)
        case _:
            return ""


def _not_planned(event: EventRow | None, start: datetime | None) -> str:
    if event is None:
        return "the event is gone"
    if event.state != State.SCHEDULED:
        return f"the event is {event.state} already"
    return "" if event.starts_at == start else "the event was moved"


def _planned(db: Session, row: AnnouncementRow, occasion: Occasion, settings: Announcements, now: datetime) -> Verdict:
    event = db.get(EventRow, row.event_id) if row.event_id is not None else None
    if event is None:
        return Void("the event is gone")
    if occasion is Occasion.CANCELLED:
        not_after = event.starts_at + CANCELLED_VALID
    else:
        if reason := _not_planned(event, row.anchor):
            return Void(reason)
        # That it was planned or moved is news for a day.
        not_after = event.starts_at if occasion is Occasion.COUNTDOWN else min(event.starts_at, row.at + NEWS_VALID)
        if occasion is Occasion.COUNTDOWN and row.minutes is not None:
            not_after = stale_at(event, row.minutes, settings.countdown_minutes)
    return Tell(not_after) if now < not_after else Void("too late")


def _live(db: Session, row: AnnouncementRow, session: SessionRow, settings: Announcements, now: datetime) -> Verdict:
    not_after = row.at + timedelta(minutes=settings.live_stale_minutes)
    if now >= not_after:
        return Void("too late")
    if session.state in OVER_STATES:
        return Void("over before it could be told")
    if _told_since(db, row, row.at - timedelta(minutes=settings.live_cooldown_minutes)):
        return Void(COOLDOWN)
    if session.state != State.LIVE:
        return Later(now + RECHECK)
    steady = session.since + timedelta(seconds=settings.live_debounce_seconds)
    # A clock that was set back does not make anybody wait longer than asked for.
    if now < steady <= now + timedelta(seconds=settings.live_debounce_seconds):
        return Later(steady)
    return Tell(not_after)


def _interrupted(
    db: Session, row: AnnouncementRow, session: SessionRow, settings: Announcements, now: datetime
) -> Verdict:
    if session.state != State.INTERRUPTED or session.since > row.at:
        return Void("it went on")
    if not _was_told(db, session.id):
        return Void("it was not told to be live")
    long = row.at + timedelta(seconds=settings.interrupted_after_seconds)
    if now < long <= now + timedelta(seconds=settings.interrupted_after_seconds):
        return Later(long)
    return Tell(now + timedelta(minutes=settings.live_stale_minutes))


def _resumed(db: Session, row: AnnouncementRow, session: SessionRow) -> Verdict:
    if session.state != State.LIVE:
        return Void("it did not last")
    last = select(AnnouncementRow).where(
        AnnouncementRow.session_id == session.id,
        AnnouncementRow.id < row.id,
        AnnouncementRow.occasion.in_([Occasion.INTERRUPTED, Occasion.RESUMED]),
        AnnouncementRow.state == "told",
    )
    before = db.scalars(last.order_by(AnnouncementRow.id.desc()).limit(1)).one_or_none()
    if before is None or before.occasion != Occasion.INTERRUPTED:
        return Void("nobody heard of the interruption")
    return Tell(row.at + timedelta(minutes=10))


def _over(
    db: Session, row: AnnouncementRow, session: SessionRow, occasion: Occasion, settings: Announcements, now: datetime
) -> Verdict:
    if not _was_told(db, session.id):
        return Void("it was not told to be live")
    if occasion is Occasion.ENDED:
        return Tell(row.at + ENDED_VALID) if now < row.at + ENDED_VALID else Void("too late")
    again = select(SessionRow.id).where(
        SessionRow.slug == row.slug, SessionRow.id > session.id, SessionRow.admitted_at.is_not(None)
    )
    if db.scalar(again.limit(1)) is not None:
        return Void("it went on air again")
    due = row.at + timedelta(minutes=settings.recap_after_minutes)
    if now < due <= now + timedelta(minutes=settings.recap_after_minutes):
        return Later(due)
    return Tell(row.at + RECAP_VALID) if now < row.at + RECAP_VALID else Void("too late")


def _told_since(db: Session, row: AnnouncementRow, since: datetime) -> bool:
    told = select(AnnouncementRow.id).where(
        AnnouncementRow.slug == row.slug,
        AnnouncementRow.occasion == Occasion.LIVE,
        AnnouncementRow.state == "told",
        AnnouncementRow.at > since,
        AnnouncementRow.id < row.id,
    )
    return db.scalar(told.limit(1)) is not None


def _was_told(db: Session, session_id: int) -> bool:
    """Whether people think that this session is on air: it was told, or the one shortly before it was."""
    told = select(AnnouncementRow.id).where(
        AnnouncementRow.session_id == session_id,
        AnnouncementRow.occasion == Occasion.LIVE,
        or_(AnnouncementRow.state == "told", AnnouncementRow.reason == COOLDOWN),
    )
    return db.scalar(told.limit(1)) is not None
