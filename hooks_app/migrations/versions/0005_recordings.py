"""The catalogue of recordings, their files and uploads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the tables forward."""
    _create_recordings()
    _create_files()
    op.create_table(
        "upload_part",
        sa.Column("file_id", sa.Integer, sa.ForeignKey("recording_file.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("md5", sa.String(32), nullable=False),
        sa.Column("etag", sa.String(200), nullable=False),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "archiver",
        sa.Column("host", sa.String(64), primary_key=True),
        sa.Column("turned_at", _TIME, nullable=False),
        sa.Column("free_bytes", sa.BigInteger, nullable=False),
        sa.Column("total_bytes", sa.BigInteger, nullable=False),
        sa.Column("recording_stopped", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("store_fault", sa.String(300)),
        sa.Column("sent_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("pruned_at", _TIME),
    )


def downgrade() -> None:
    """Take them back. The files stay where they are; what is known of them is lost."""
    for table in ("archiver", "upload_part", "recording_file", "recording"):
        op.drop_table(table)


def _create_recordings() -> None:
    op.create_table(
        "recording",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), sa.ForeignKey("owner.name"), nullable=False),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("session_id", sa.Integer, sa.ForeignKey("session.id", ondelete="SET NULL")),
        sa.Column("event_id", sa.Integer, sa.ForeignKey("event.id", ondelete="SET NULL")),
        sa.Column("number", sa.Integer, nullable=False, server_default="1"),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("media_seconds", sa.Double),
        sa.Column("codecs", sa.JSON),
        sa.Column("fault", sa.String(300)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        *(sa.Column(name, _TIME) for name in ("no_room_since", "due_at", "leased_until", "held_at")),
        sa.Column("held_by", sa.String(48)),
        sa.Column("hold_reason", sa.String(200)),
        *(sa.Column(name, _TIME) for name in ("removal_asked_at", "restore_asked_at", "restored_at", "archived_at")),
        *(sa.Column(name, _TIME) for name in ("local_removed_at", "remote_removed_at", "remote_removal_until")),
        sa.Column("object_prefix", sa.String(500)),
        sa.Column("object_place", sa.String(1100)),
        sa.Column("replay_url", sa.String(2000)),
        sa.Column("replay_until", _TIME),
        sa.Column("replay_made_by", sa.String(64)),
        sa.UniqueConstraint("session_id", "number", name="one_recording_per_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("recordings_by_state", "recording", ["state", "due_at"])
    op.create_index("recordings_of_stream", "recording", ["slug", "id"])
    op.create_index("ix_recording_owner", "recording", ["owner"])
    op.create_index("ix_recording_event_id", "recording", ["event_id"])


def _create_files() -> None:
    op.create_table(
        "recording_file",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("recording_id", sa.Integer, sa.ForeignKey("recording.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("wanted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("state", sa.String(12), nullable=False, server_default="local"),
        sa.Column("object_key", sa.String(700)),
        sa.Column("upload_id", sa.String(1100)),
        sa.Column("part_bytes", sa.BigInteger),
        sa.Column("checks", sa.String(8)),
        sa.Column("etag", sa.String(200)),
        sa.Column("verified_at", _TIME),
        sa.Column("verified_by", sa.String(8)),
        sa.Column("local_removed_at", _TIME),
        sa.Column("remote_removed_at", _TIME),
        sa.Column("replay_url", sa.String(2000)),
        sa.Column("replay_until", _TIME),
        sa.UniqueConstraint("recording_id", "name", name="one_file_per_name"),
    )
    op.create_index("ix_recording_file_recording_id", "recording_file", ["recording_id"])
    op.create_index("files_by_state", "recording_file", ["state"])
