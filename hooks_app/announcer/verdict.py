"""Whether an occasion is told, and until when: the rules, by occasion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from headend.model.announcements import Announcements
from hooks_app.announcement_tables import AnnouncementRow, MessageRow
from hooks_app.announcer.reminders import offsets_of, stale_at
from hooks_app.announcer.shows import later_sessions, live_told_at, was_told
from hooks_app.states import OVER_STATES, State
from hooks_app.tables import EventRow, SessionRow

RECHECK = timedelta(seconds=1)
RECAP_RECHECK = timedelta(seconds=15)
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


def still_true(db: Session, row: MessageRow, story: Story, now: datetime) -> Verdict:
    """The verdict on a message that is about to be sent. What was written down stays what happened."""
    session = db.get(SessionRow, row.session_id) if row.session_id is not None else None
    occasion = Occasion(row.occasion)
    if occasion in {Occasion.COUNTDOWN, Occasion.SCHEDULED, Occasion.MOVED}:
        reason = _not_planned(db.get(EventRow, row.event_id) if row.event_id is not None else None, story.starts_at)
        return Void(reason) if reason else Tell(row.not_after)
    if occasion not in {Occasion.LIVE, Occasion.INTERRUPTED, Occasion.RESUMED}:
        return Tell(row.not_after)
    if session is None or session.ended_at is not None:
        return Void("over before it could be told")
    if occasion is Occasion.LIVE:
        return Tell(row.not_after) if session.state == State.LIVE else Later(now + RECHECK)
    if occasion is Occasion.INTERRUPTED:
        since = db.get_one(AnnouncementRow, row.announcement_id).at
        off = session.state == State.INTERRUPTED and session.since <= since
        return Tell(row.not_after) if off else Void("it went on")
    if session.state != State.LIVE:
        return Void("it did not last")
    return Void("nobody heard of the interruption") if _unheard(db, row) else Tell(row.not_after)


def _unheard(db: Session, row: MessageRow) -> bool:
    """Whether this place was to hear of the interruption, and did not."""
    before = select(MessageRow.state).where(
        MessageRow.session_id == row.session_id,
        MessageRow.destination == row.destination,
        MessageRow.part == row.part,
        MessageRow.occasion == Occasion.INTERRUPTED,
        MessageRow.id < row.id,
    )
    return db.scalar(before.order_by(MessageRow.id.desc()).limit(1)) in {"dropped", "dead"}


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
            if row.minutes not in offsets_of(event, settings.countdown_minutes):
                return Void("its reminders were changed")
            not_after = stale_at(event, row.minutes, settings.countdown_minutes)
    return Tell(not_after) if now < not_after else Void("too late")


def _live(db: Session, row: AnnouncementRow, session: SessionRow, settings: Announcements, now: datetime) -> Verdict:
    cooldown = timedelta(minutes=settings.live_cooldown_minutes)
    told_at = live_told_at(db, row)
    # Neither here nor below does a clock that was set back make anybody wait longer than asked for.
    cooled_at = row.at if told_at is None else min(max(row.at, told_at + cooldown), row.at + cooldown)
    not_after = cooled_at + timedelta(minutes=settings.live_stale_minutes)
    if now >= not_after:
        return Void("too late")
    if session.state in OVER_STATES:
        return Void("over before it could be told")
    if row.at < cooled_at and now < cooled_at <= now + cooldown:
        return Later(cooled_at)
    if session.state != State.LIVE:
        return Later(now + RECHECK)
    steady = session.since + timedelta(seconds=settings.live_debounce_seconds)
    if now < steady <= now + timedelta(seconds=settings.live_debounce_seconds):
        return Later(steady)
    return Tell(not_after)


def _interrupted(
    db: Session, row: AnnouncementRow, session: SessionRow, settings: Announcements, now: datetime
) -> Verdict:
    if session.state != State.INTERRUPTED or session.since > row.at:
        return Void("it went on")
    if not was_told(db, session.id):
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
    if not was_told(db, session.id):
        return Void("it was not told to be live")
    if occasion is Occasion.ENDED:
        return Tell(row.at + ENDED_VALID) if now < row.at + ENDED_VALID else Void("too late")
    later = later_sessions(db, session)
    # Its recap is the show's: there is one for each live that was told, and none for what went on.
    if any(was_told(db, one.id) for one in later):
        return Void("it went on air again")
    if now >= row.at + RECAP_VALID:
        return Void("too late")
    due = row.at + timedelta(minutes=settings.recap_after_minutes)
    if now < due <= now + timedelta(minutes=settings.recap_after_minutes):
        return Later(due)
    if any(one.ended_at is None for one in later):
        return Later(now + RECAP_RECHECK)
    return Tell(row.at + RECAP_VALID)
