"""When a key expires; by which protocol, key and address a session's publisher came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SESSION_COLUMNS = ("protocol", "key_id", "peer", "mode", "nonce")


def upgrade() -> None:
    """Bring the tables forward."""
    op.add_column("stream_key", sa.Column("expires_at", sa.DateTime(timezone=True)))
    # Every session before this was RTMP's; a default also lets the release before this one write its rows.
    op.add_column("session", sa.Column("protocol", sa.String(8), nullable=False, server_default="rtmp"))
    op.add_column("session", sa.Column("key_id", sa.String(16)))
    op.add_column("session", sa.Column("peer", sa.String(64)))
    op.add_column("session", sa.Column("mode", sa.String(16)))
    op.add_column("session", sa.Column("nonce", sa.String(32)))
    op.create_index("used_nonce", "session", ["key_id", "nonce"])


def downgrade() -> None:
    """Take the columns back; no row is lost. Keys that expire are revoked: the release before knows no expiry."""
    op.execute("UPDATE stream_key SET revoked_at = expires_at WHERE revoked_at IS NULL AND expires_at IS NOT NULL")
    op.drop_index("used_nonce", "session")
    for column in reversed(_SESSION_COLUMNS):
        op.drop_column("session", column)
    op.drop_column("stream_key", "expires_at")
