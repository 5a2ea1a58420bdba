"""Stream keys, sessions and the tick."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the tables forward."""
    op.create_table(
        "stream_key",
        sa.Column("key_id", sa.String(16), primary_key=True),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
    )
    op.create_index("ix_stream_key_slug", "stream_key", ["slug"])
    op.create_table(
        "session",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("client_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("admitted_at", _TIME),
        sa.Column("live_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("reason", sa.String(80)),
    )
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "one_open_session", "session", ["slug"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("latest_session", "session", ["slug", "id"])
    op.create_table("tick", sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", _TIME, nullable=False))


def downgrade() -> None:
    """Take the tables back."""
    op.drop_table("tick")
    op.drop_table("session")
    op.drop_table("stream_key")
