"""Lanes: the messages of a stream at a place. The oldest goes first, and one is on its way at a time.

What quiet hours hold up stands beside its lane: it neither goes nor keeps the others from going.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, case, func, literal_column, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from headend.model.announcements import Destination
from hooks_app.announcement_tables import AnnouncerRow, MessageRow, PlaceRow
from hooks_app.announcer.upkeep import STEP

LEASE_SECONDS = 60.0
"""Four times as long as an attempt may take."""
WINDOW = timedelta(seconds=60)
# Written out, not bound: a partial index serves a statement only if its condition is there when it is planned.
QUEUED: ColumnElement[str] = literal_column("'queued'", String)
LEASED: ColumnElement[str] = literal_column("'leased'", String)


class NotItsTurnError(Exception):
    """What was claimed is given back: the place's ceiling is reached, or another one of the lane is on its way."""


def open_places(db: Session, places: Mapping[str, Destination], now: datetime) -> list[str]:
    """Where something may be sent now."""
    switch = db.get(AnnouncerRow, 1)
    if switch is not None and not switch.on:
        return []
    shut = select(PlaceRow.name).where(
        or_(PlaceRow.broken_at.is_not(None), PlaceRow.hold_until > now, PlaceRow.muted_until > now)
    )
    closed = set(db.scalars(shut))
    recent = (
        select(MessageRow.destination, func.count())
        .where(_recent(now), MessageRow.destination.in_(places))
        .group_by(MessageRow.destination)
    )
    closed |= {name for name, count in db.execute(recent) if count >= places[name].per_minute}
    return [name for name in places if name not in closed]


def taking(names: Sequence[str], worker: str, now: datetime) -> ReturningUpdate[MessageRow]:
    """The statement that leases the next message of those places."""
    # The oldest of each lane that is not finished, where nobody has another one of the lane leased.
    heads = (
        select(func.min(MessageRow.id).label("id"))
        .where(MessageRow.state.in_([QUEUED, LEASED]), MessageRow.held.is_(False), MessageRow.destination.in_(names))
        .group_by(MessageRow.destination, MessageRow.slug, MessageRow.part)
        .having(func.max(case((MessageRow.state == LEASED, 1), else_=0)) == 0)
        .cte("heads")
        # Once: where thousands of rows are new, PostgreSQL takes the table for empty, and would ask again for each.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    first = (
        select(MessageRow.id)
        .where(
            MessageRow.state == QUEUED,
            MessageRow.held.is_(False),
            MessageRow.due_at <= now,
            MessageRow.not_after >= now,
            MessageRow.id.in_(select(heads.c.id)),
        )
        .order_by(MessageRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (
        update(MessageRow)
        .where(MessageRow.id == first.scalar_subquery(), MessageRow.state == "queued")
        .values(
            state="leased",
            leased_by=worker,
            leased_until=now + timedelta(seconds=LEASE_SECONDS),
            attempted_at=now,
            attempts=MessageRow.attempts + 1,
        )
        .returning(MessageRow)
        .execution_options(synchronize_session=False)
    )


def check_turn(db: Session, row: MessageRow, place: Destination, now: datetime) -> None:
    """Once more, with the place's row locked: of several workers that looked at once, one sends.

    Raises NotItsTurnError.
    """
    db.scalars(select(PlaceRow).where(PlaceRow.name == place.name).with_for_update()).one_or_none()
    other = select(MessageRow.id).where(
        MessageRow.state == "leased",
        MessageRow.destination == row.destination,
        MessageRow.slug == row.slug,
        MessageRow.part == row.part,
        MessageRow.id != row.id,
    )
    recent = select(func.count()).where(MessageRow.destination == place.name, _recent(now))
    if (db.scalar(recent) or 0) > place.per_minute or db.scalar(other.limit(1)) is not None:
        raise NotItsTurnError


def _recent(now: datetime) -> ColumnElement[bool]:
    """Tried in the last minute; what lies ahead was written before the clock was set back."""
    return (MessageRow.attempted_at > now - WINDOW) & (MessageRow.attempted_at <= now + STEP)
