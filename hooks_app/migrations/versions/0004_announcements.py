"""Announcements, their messages, the places they go to; destinations that the spec declares."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)
_ADDED = (
    ("session", "peak_viewers"),
    ("event", "recap_url"),
    ("event", "countdown_minutes"),
    ("schedule", "countdown_minutes"),
    ("destination", "declared"),
)


def upgrade() -> None:
    """Bring the tables forward."""
    # Directly: a batch would make tables anew that others refer to.
    op.add_column("destination", sa.Column("declared", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("schedule", sa.Column("countdown_minutes", sa.JSON))
    op.add_column("event", sa.Column("countdown_minutes", sa.JSON))
    op.add_column("event", sa.Column("recap_url", sa.String(500)))
    op.add_column("session", sa.Column("peak_viewers", sa.Integer))
    _create_announcements()
    _create_messages()
    op.create_table(
        "place",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("broken_at", _TIME),
        sa.Column("broken_reason", sa.String(200)),
        sa.Column("hold_until", _TIME),
        sa.Column("hold_since", _TIME),
        sa.Column("muted_until", _TIME),
    )
    op.create_table(
        "announcer",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("switched_on", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("switched_at", _TIME),
        sa.Column("switched_by", sa.String(48)),
        sa.Column("turned_at", _TIME),
    )


def downgrade() -> None:
    """Take them back; what was to be told is lost."""
    for table in ("announcer", "place", "message", "announcement"):
        op.drop_table(table)
    for table, column in _ADDED:
        # Both engines have it; SQLite since 3.35.
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")


def _create_announcements() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("event_id", sa.Integer, sa.ForeignKey("event.id", ondelete="SET NULL")),
        sa.Column("session_id", sa.Integer),
        sa.Column("occasion", sa.String(16), nullable=False),
        sa.Column("minutes", sa.Integer),
        sa.Column("anchor", _TIME),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="waiting"),
        sa.Column("reason", sa.String(80)),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_announcement_event_id", "announcement", ["event_id"])
    op.create_index("ix_announcement_session_id", "announcement", ["session_id"])
    op.create_index("announcements_due", "announcement", ["state", "due_at"])
    reminders = sa.text("occasion = 'countdown'")
    op.create_index(
        "one_reminder",
        "announcement",
        ["event_id", "minutes", "anchor"],
        unique=True,
        sqlite_where=reminders,
        postgresql_where=reminders,
    )


def _create_messages() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("announcement_id", sa.Integer, sa.ForeignKey("announcement.id", ondelete="CASCADE"), nullable=False),
        sa.Column("destination", sa.String(40), nullable=False),
        sa.Column("part", sa.String(12), nullable=False, server_default="post"),
        sa.Column("uid", sa.String(40), nullable=False),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("event_id", sa.Integer),
        sa.Column("session_id", sa.Integer),
        sa.Column("occasion", sa.String(16), nullable=False),
        sa.Column("story", sa.JSON, nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("not_after", _TIME, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("state", sa.String(12), nullable=False, server_default="queued"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempted_at", _TIME),
        sa.Column("leased_by", sa.String(80)),
        sa.Column("leased_until", _TIME),
        sa.Column("repeated", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("finished_at", _TIME),
        sa.Column("receipt", sa.String(120)),
        sa.Column("status", sa.Integer),
        sa.Column("reason", sa.String(200)),
        sqlite_autoincrement=True,
    )
    op.create_index("one_message", "message", ["announcement_id", "destination", "part"], unique=True)
    unfinished = "state IN ('queued', 'leased') AND held IS "
    op.create_index(
        "lanes",
        "message",
        ["destination", "slug", "part", "id"],
        sqlite_where=sa.text(f"{unfinished}0"),
        postgresql_where=sa.text(f"{unfinished}false"),
    )
    queued = sa.text("state = 'queued'")
    op.create_index("queued_messages", "message", ["id"], sqlite_where=queued, postgresql_where=queued)
    op.create_index("messages_by_state", "message", ["state", "due_at"])
    op.create_index("attempts_at", "message", ["destination", "attempted_at"])
    op.create_index("messages_of_event", "message", ["event_id", "id"])
