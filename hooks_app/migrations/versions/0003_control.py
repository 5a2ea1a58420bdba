"""Owners, streams, schedules, events, destinations, tokens; the history of every state; who changed what."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)
_KEY_COLUMNS = ("last_used_at", "gate", "event_id", "owner")
_SESSION_COLUMNS = (
    "owner",
    "event_id",
    "host",
    "codecs",
    "publisher_lost_at",
    "publisher_lost_monotonic",
    "interruptions",
    "segments_before",
    "boot_id",
    "started_monotonic",
    "ended_monotonic",
    "ending",
)
_APPEND_ONLY = ("transition", "audit")


def upgrade() -> None:
    """Bring the tables forward."""
    _create_owners_and_streams()
    _create_plans()
    _create_history()
    with op.batch_alter_table("stream_key") as batch:
        batch.add_column(sa.Column("last_used_at", _TIME))
        batch.add_column(sa.Column("gate", sa.String(8), nullable=False, server_default="always"))
        batch.add_column(sa.Column("event_id", sa.Integer))
        batch.add_column(sa.Column("owner", sa.String(40)))
        batch.create_foreign_key("stream_key_event_id_fkey", "event", ["event_id"], ["id"])
        batch.create_foreign_key("stream_key_owner_fkey", "owner", ["owner"], ["name"])
    with op.batch_alter_table("session") as batch:
        batch.add_column(sa.Column("owner", sa.String(40)))
        batch.add_column(sa.Column("event_id", sa.Integer))
        batch.add_column(sa.Column("host", sa.String(64), nullable=False, server_default=""))
        batch.add_column(sa.Column("codecs", sa.JSON))
        batch.add_column(sa.Column("publisher_lost_at", _TIME))
        batch.add_column(sa.Column("publisher_lost_monotonic", sa.Double))
        batch.add_column(sa.Column("interruptions", sa.Integer, nullable=False, server_default="0"))
        batch.add_column(sa.Column("segments_before", sa.JSON))
        batch.add_column(sa.Column("boot_id", sa.String(36)))
        batch.add_column(sa.Column("started_monotonic", sa.Double))
        batch.add_column(sa.Column("ended_monotonic", sa.Double))
        batch.add_column(sa.Column("ending", sa.String(80)))
        batch.create_foreign_key("session_owner_fkey", "owner", ["owner"], ["name"])
        batch.create_index("ix_session_owner", ["owner"])
        batch.create_foreign_key("session_event_id_fkey", "event", ["event_id"], ["id"])
        batch.create_index("ix_session_event_id", ["event_id"])
    op.create_table(
        "nonce",
        sa.Column("key_id", sa.String(16), primary_key=True),
        sa.Column("nonce", sa.String(32), primary_key=True),
        sa.Column("peer", sa.String(64), primary_key=True),
        sa.Column("at", _TIME, nullable=False),
    )
    op.execute(
        "INSERT INTO nonce (key_id, nonce, peer, at) SELECT key_id, nonce, COALESCE(peer, ''), MAX(admitted_at) "
        "FROM session WHERE key_id IS NOT NULL AND nonce IS NOT NULL AND admitted_at IS NOT NULL "
        "GROUP BY key_id, nonce, COALESCE(peer, '')"
    )
    op.drop_index("used_nonce", "session")
    op.drop_table("tick")
    op.create_table("host", sa.Column("name", sa.String(64), primary_key=True), sa.Column("at", _TIME, nullable=False))
    for table in _APPEND_ONLY:
        _forbid_changes(table)


def downgrade() -> None:
    """Take the new tables back; keys and sessions keep what the release before knows of them.

    A key that admits only in an event's window is revoked, because that release would admit it at any time.
    """
    for table in _APPEND_ONLY:
        _allow_changes(table)
    op.execute("UPDATE session SET state = 'ended' WHERE state = 'archived'")
    # That release knows no interruption: the session starts over, or is over if its publisher does not come back.
    op.execute("UPDATE session SET state = 'starting' WHERE state = 'interrupted'")
    keys = sa.table("stream_key", sa.column("revoked_at", _TIME), sa.column("gate", sa.String))
    gated = keys.update().where(keys.c.gate != "always", keys.c.revoked_at.is_(None))
    op.execute(gated.values(revoked_at=datetime.now(UTC)))
    op.create_index("used_nonce", "session", ["key_id", "nonce"])
    op.drop_table("nonce")
    op.drop_table("host")
    op.create_table("tick", sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", _TIME, nullable=False))
    with op.batch_alter_table("session") as batch:
        batch.drop_index("ix_session_owner")
        batch.drop_constraint("session_owner_fkey", type_="foreignkey")
        batch.drop_index("ix_session_event_id")
        batch.drop_constraint("session_event_id_fkey", type_="foreignkey")
        for column in reversed(_SESSION_COLUMNS):
            batch.drop_column(column)
    with op.batch_alter_table("stream_key") as batch:
        batch.drop_constraint("stream_key_owner_fkey", type_="foreignkey")
        batch.drop_constraint("stream_key_event_id_fkey", type_="foreignkey")
        for column in reversed(_KEY_COLUMNS):
            batch.drop_column(column)
    for table in ("audit", "api_token", "transition", "destination", "event", "schedule", "stream", "owner"):
        op.drop_table(table)


def _create_owners_and_streams() -> None:
    op.create_table(
        "owner",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
    )
    op.create_table(
        "stream",
        sa.Column("slug", sa.String(40), primary_key=True),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("ladder", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), sa.ForeignKey("owner.name"), nullable=False),
        sa.Column("declared", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("removed_at", _TIME),
    )
    op.create_index("ix_stream_owner", "stream", ["owner"])


def _create_plans() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer, primary_key=True),
        *_broadcast_columns(),
        sa.Column("starts_local", sa.String(19), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("duration_seconds", sa.Integer, nullable=False),
        sa.Column("rrule", sa.String(500)),
        sa.Column("exceptions", sa.JSON, nullable=False),
        *_bookkeeping_columns(),
        sa.Column("cancelled_at", _TIME),
    )
    op.create_index("ix_schedule_slug", "schedule", ["slug"])
    op.create_table(
        "event",
        sa.Column("id", sa.Integer, primary_key=True),
        *_broadcast_columns(),
        sa.Column("starts_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("ad_hoc", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("schedule_id", sa.Integer, sa.ForeignKey("schedule.id")),
        sa.Column("occurrence", sa.String(19)),
        sa.Column("edited", sa.Boolean, nullable=False, server_default=sa.false()),
        *_bookkeeping_columns(),
        sa.UniqueConstraint("schedule_id", "occurrence", name="one_event_per_occurrence"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_of_stream", "event", ["slug", "starts_at"])
    op.create_index("events_by_state", "event", ["state", "starts_at"])
    op.create_index("ix_event_owner", "event", ["owner"])
    op.create_table(
        "destination",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("owner", sa.String(40), sa.ForeignKey("owner.name"), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        *_bookkeeping_columns(),
    )
    op.create_index("ix_destination_owner", "destination", ["owner"])


def _broadcast_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), sa.ForeignKey("owner.name"), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("description", sa.String(4000), nullable=False, server_default=""),
        sa.Column("poster_url", sa.String(500)),
        sa.Column("overlays", sa.JSON, nullable=False),
        sa.Column("destinations", sa.JSON, nullable=False),
    ]


def _bookkeeping_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    ]


def _create_history() -> None:
    op.create_table(
        "transition",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(8), nullable=False),
        sa.Column("session_id", sa.Integer),
        sa.Column("event_id", sa.Integer),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(80)),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("boot_id", sa.String(36)),
        sa.Column("monotonic", sa.Double),
        sqlite_autoincrement=True,
    )
    op.create_index("transitions_of_stream", "transition", ["slug", "id"])
    op.create_table(
        "api_token",
        sa.Column("token_id", sa.String(16), primary_key=True),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(40), sa.ForeignKey("owner.name")),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME),
        sa.Column("last_used_at", _TIME),
        sa.Column("revoked_at", _TIME),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.String(48), nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("target", sa.String(120), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_owner", "audit", ["owner"])


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _allow_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(f"DROP FUNCTION {table}_is_append_only()")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}")
