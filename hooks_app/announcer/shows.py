"""Shows: what is one broadcast to the audience, however many sessions it takes.

That is a planned event, or else what publishers send to the stream without one: the event that such a publisher makes
is as new as its session.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from headend.announcing.occasion import Occasion
from hooks_app.announcement_tables import AnnouncementRow
from hooks_app.tables import EventRow, SessionRow


def live_told_at(db: Session, row: AnnouncementRow) -> datetime | None:
    """When it was last told, before this occasion, that its show is live; None where nobody heard of it."""
    told = select(func.max(AnnouncementRow.due_at)).where(
        AnnouncementRow.slug == row.slug,
        AnnouncementRow.occasion == Occasion.LIVE,
        AnnouncementRow.state == "told",
        AnnouncementRow.id < row.id,
        _same_show(db, AnnouncementRow.event_id, row.slug, row.event_id),
    )
    return db.scalar(told)


def was_told(db: Session, session_id: int) -> bool:
    """Whether people were told that this very session is live."""
    told = select(AnnouncementRow.id).where(
        AnnouncementRow.session_id == session_id,
        AnnouncementRow.occasion == Occasion.LIVE,
        AnnouncementRow.state == "told",
    )
    return db.scalar(told.limit(1)) is not None


def later_sessions(db: Session, session: SessionRow) -> list[SessionRow]:
    """Those of the same show that were live after this one."""
    later = select(SessionRow).where(
        SessionRow.slug == session.slug,
        SessionRow.id > session.id,
        SessionRow.live_at.is_not(None),
        _same_show(db, SessionRow.event_id, session.slug, session.event_id),
    )
    return list(db.scalars(later))


def _same_show(
    db: Session, column: InstrumentedAttribute[int | None], slug: str, event_id: int | None
) -> ColumnElement[bool]:
    event = db.get(EventRow, event_id) if event_id is not None else None
    if event is not None and not event.ad_hoc:
        return column == event_id
    made = select(EventRow.id).where(EventRow.slug == slug, EventRow.ad_hoc)
    return or_(column.is_(None), column.in_(made))
