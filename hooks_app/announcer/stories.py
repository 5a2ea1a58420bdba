"""The story of a broadcast, out of its rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from headend.announcing.story import Story
from headend.model.facts import HookFacts
from hooks_app.announcement_tables import AnnouncementRow
from hooks_app.replays import lasting_url
from hooks_app.tables import EventRow, SessionRow, StreamRow


def story_of(db: Session, facts: HookFacts, row: AnnouncementRow) -> Story:
    """What there is to tell now."""
    event = db.get(EventRow, row.event_id) if row.event_id is not None else None
    session = db.get(SessionRow, row.session_id) if row.session_id is not None else None
    stream = db.get(StreamRow, row.slug)
    settings = facts.announcements.settings if facts.announcements else None
    title = event.title if event else (stream.title if stream else row.slug)
    return Story(
        stream=row.slug,
        title=title,
        description=event.description if event else "",
        owner=owner_of(db, row),
        live_url=f"{facts.public_url}/watch/{row.slug}",
        playlist_url=f"{facts.public_url}/streams/{row.slug}/index.m3u8",
        poster_url=(event.poster_url if event else None) or f"{facts.public_url}/streams/{row.slug}/poster.jpg",
        starts_at=_start(event, session),
        ends_at=event.ends_at if event and not event.ad_hoc else None,
        live_at=session.live_at if session else None,
        ended_at=session.ended_at if session else None,
        time_zone=facts.time_zone,
        minutes=row.minutes,
        peak_viewers=session.peak_viewers if session else None,
        recap_url=(event.recap_url or lasting_url(db, event.id)) if event else None,
        call_to_action=settings.call_to_action if settings else "",
        call_to_action_url=settings.call_to_action_url if settings else None,
        hashtags=settings.hashtags if settings else (),
        reason=(event.reason if event else None) or (session.reason if session else None),
    )


def owner_of(db: Session, row: AnnouncementRow) -> str:
    """Whose broadcast it is."""
    event = db.get(EventRow, row.event_id) if row.event_id is not None else None
    if event is not None:
        return event.owner
    session = db.get(SessionRow, row.session_id) if row.session_id is not None else None
    if session is not None and session.owner is not None:
        return session.owner
    stream = db.get(StreamRow, row.slug)
    return stream.owner if stream else "site"


def _start(event: EventRow | None, session: SessionRow | None) -> datetime | None:
    if event is not None:
        return event.starts_at
    return session.live_at or session.started_at if session else None
