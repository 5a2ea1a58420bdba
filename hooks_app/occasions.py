"""Which changes are occasions to tell the audience something, and the row that says so.

The row is written in the transaction of the change, so that neither is there without the other. When it is told,
where, and whether at all is decided later (hooks_app/announcer/).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from hooks_app.announcement_tables import AnnouncementRow
from hooks_app.states import OVER_STATES, State, Trigger
from hooks_app.tables import EventRow


def of_change(subject: str, before: State, after: State, trigger: Trigger) -> tuple[Occasion, ...]:
    """What a change of a state is an occasion for."""
    if subject == "event":
        return (Occasion.CANCELLED,) if trigger is Trigger.CANCELLED else ()
    if after is State.LIVE and before is not State.LIVE:
        return (Occasion.RESUMED,) if before is State.INTERRUPTED else (Occasion.LIVE,)
    if after is State.INTERRUPTED and before is State.LIVE:
        return (Occasion.INTERRUPTED,)
    if after in OVER_STATES and before in {State.LIVE, State.INTERRUPTED}:
        return (Occasion.ENDED, Occasion.RECAP)
    return ()


def note(
    db: Session, occasion: Occasion, *, slug: str, at: datetime, event_id: int | None, session_id: int | None = None
) -> None:
    """Write an occasion down."""
    row = AnnouncementRow(
        at=at, slug=slug, event_id=event_id, session_id=session_id, occasion=occasion.value, due_at=at, state="waiting"
    )
    db.add(row)


def note_plan(db: Session, event: EventRow, at: datetime, occasion: Occasion = Occasion.SCHEDULED) -> None:
    """An event was planned, or moved. Its row must have been flushed."""
    row = AnnouncementRow(
        at=at,
        slug=event.slug,
        event_id=event.id,
        occasion=occasion.value,
        anchor=event.starts_at,
        due_at=at,
        state="waiting",
    )
    db.add(row)
