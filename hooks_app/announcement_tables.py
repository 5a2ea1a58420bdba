"""The tables of what is told: announcements, the messages that they become, and the state of the places they go to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from hooks_app.table_base import Base

QUEUED = text("state = 'queued'")
# As SQLAlchemy writes it in statements: SQLite compares the words.
UNFINISHED = "state IN ('queued', 'leased') AND held IS "
ONE_REMINDER = text("occasion = 'countdown'")


class AnnouncementRow(Base):
    """Something that happened, or is near, and may be told: written in the transaction that makes it so."""

    __tablename__ = "announcement"
    __table_args__ = (
        # Whatever restarts, and however often the clock is set: each reminder of a start once.
        Index(
            "one_reminder",
            "event_id",
            "minutes",
            "anchor",
            unique=True,
            sqlite_where=ONE_REMINDER,
            postgresql_where=ONE_REMINDER,
        ),
        Index("announcements_due", "state", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    """When it became so."""
    slug: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id", ondelete="SET NULL"), index=True)
    session_id: Mapped[int | None] = mapped_column(index=True)
    occasion: Mapped[str] = mapped_column(String(16))
    """headend/announcing/occasion.py."""
    minutes: Mapped[int | None]
    """Countdown only: before the start."""
    anchor: Mapped[datetime | None]
    """Of what is told before the start: the start that it means. An event that has moved has another."""
    due_at: Mapped[datetime]
    """When it is looked at next."""
    state: Mapped[str] = mapped_column(String(8), server_default="waiting")
    """waiting, told (its messages are made) or void."""
    reason: Mapped[str | None] = mapped_column(String(80))
    """Why it is void."""


class MessageRow(Base):
    """An announcement at one place. Those of a stream at a place go out one after the other."""

    __tablename__ = "message"
    __table_args__ = (
        Index("one_message", "announcement_id", "destination", "part", unique=True),
        Index(
            "lanes",
            "destination",
            "slug",
            "part",
            "id",
            sqlite_where=text(f"{UNFINISHED}0"),
            postgresql_where=text(f"{UNFINISHED}false"),
        ),
        # However long the history is, the next to be sent is found at once.
        Index("queued_messages", "id", sqlite_where=QUEUED, postgresql_where=QUEUED),
        Index("messages_by_state", "state", "due_at"),
        Index("attempts_at", "destination", "attempted_at"),
        Index("messages_of_event", "event_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcement.id", ondelete="CASCADE"))
    destination: Mapped[str] = mapped_column(String(40))
    part: Mapped[str] = mapped_column(String(12), server_default="post")
    """post; for Discord with a bot also calendar and stage."""
    uid: Mapped[str] = mapped_column(String(40))
    """The same at every attempt: receivers tell a repetition by it."""
    slug: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[int | None]
    session_id: Mapped[int | None]
    occasion: Mapped[str] = mapped_column(String(16))
    story: Mapped[dict[str, Any]]
    """headend/announcing/story.py, as it was when it was told."""
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    not_after: Mapped[datetime]
    """Later it is worse than nothing."""
    held: Mapped[bool] = mapped_column(server_default=false())
    """Quiet hours hold it up, not its lane: it is merged with others of its place."""
    state: Mapped[str] = mapped_column(String(12), server_default="queued")
    """queued, leased, sent, uncertain, dead, dropped, merged or dry_run."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    attempted_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(80))
    leased_until: Mapped[datetime | None]
    repeated: Mapped[bool] = mapped_column(server_default=false())
    """It may have arrived twice: an attempt before the last one had an unknown outcome."""
    finished_at: Mapped[datetime | None]
    receipt: Mapped[str | None] = mapped_column(String(120))
    """By what the place calls it, e.g. the id of the post."""
    status: Mapped[int | None]
    """HTTP or SMTP status of the last attempt."""
    reason: Mapped[str | None] = mapped_column(String(200))
    """Why it is not sent, or not yet."""


class PlaceRow(Base):
    """What is known of a destination beyond what was declared."""

    __tablename__ = "place"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    broken_at: Mapped[datetime | None]
    """It said that nothing will ever get in as it is declared: nothing is tried until somebody mends it."""
    broken_reason: Mapped[str | None] = mapped_column(String(200))
    hold_until: Mapped[datetime | None]
    """It asked for a pause."""
    hold_since: Mapped[datetime | None]
    """When the pause began: a clock that is set back makes it no longer than it was."""
    muted_until: Mapped[datetime | None]
    """Somebody wants it to be quiet; what comes meanwhile is not told there."""


class AnnouncerRow(Base):
    """The announcer as a whole: one row."""

    __tablename__ = "announcer"

    id: Mapped[int] = mapped_column(primary_key=True)
    on: Mapped[bool] = mapped_column("switched_on", server_default=true())
    """The kill switch: while it is off, nothing goes out."""
    switched_at: Mapped[datetime | None]
    switched_by: Mapped[str | None] = mapped_column(String(48))
    turned_at: Mapped[datetime | None]
    """When a worker last looked."""
