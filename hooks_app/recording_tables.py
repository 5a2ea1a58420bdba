"""The catalogue: what was recorded, the files that it is, and how far each is on its way to the object store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from hooks_app.table_base import Base


class RecordingRow(Base):
    """A session's recording, or one of several of a session that was long."""

    __tablename__ = "recording"
    __table_args__ = (
        UniqueConstraint("session_id", "number", name="one_recording_per_number"),
        Index("recordings_by_state", "state", "due_at"),
        Index("recordings_of_stream", "slug", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(ForeignKey("owner.name"), index=True)
    host: Mapped[str] = mapped_column(String(64))
    """The origin whose disk it is on; only that one's archiver touches it."""
    session_id: Mapped[int | None] = mapped_column(ForeignKey("session.id", ondelete="SET NULL"))
    """None where no session is known for the parts: they are kept all the same."""
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id", ondelete="SET NULL"), index=True)
    number: Mapped[int] = mapped_column(server_default="1")
    """1, 2, … within its session."""
    state: Mapped[str] = mapped_column(String(12))
    """hooks_app/archive/states.py: recording, closed, finished, archived, removed."""
    since: Mapped[datetime]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    media_seconds: Mapped[float | None]
    """Playing time, as the finished file says."""
    codecs: Mapped[dict[str, Any] | None]
    """Of the finished file: video, width, height, frame_rate, audio, channels, sample_rate_hz."""
    fault: Mapped[str | None] = mapped_column(String(300))
    """What is in the way, in one sentence: of finishing, or of archiving."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    """Of what is in the way."""
    no_room_since: Mapped[datetime | None]
    """Since when the disk has no room for joining it; None: it has, or that is not known."""
    due_at: Mapped[datetime | None]
    """When it is tried again; None: at once."""
    leased_until: Mapped[datetime | None]
    """While somebody reads or writes its files, nobody removes them."""
    held_at: Mapped[datetime | None]
    """Legal hold: nothing of it is removed, here or in the store, until it is let go."""
    held_by: Mapped[str | None] = mapped_column(String(48))
    hold_reason: Mapped[str | None] = mapped_column(String(200))
    removal_asked_at: Mapped[datetime | None]
    """Somebody who may wants it removed, here and in the store."""
    restore_asked_at: Mapped[datetime | None]
    """Somebody who may wants its files back on this disk."""
    restored_at: Mapped[datetime | None]
    """When they were back; local retention counts from here."""
    archived_at: Mapped[datetime | None]
    """When the last of its files was verified in the store."""
    local_removed_at: Mapped[datetime | None]
    remote_removed_at: Mapped[datetime | None]
    remote_removal_until: Mapped[datetime | None]
    """The store is removing it, until then at most: no hold can be promised meanwhile."""
    object_prefix: Mapped[str | None] = mapped_column(String(500))
    """Its folder in the store, without a slash at the end; settled before the first upload."""
    object_place: Mapped[str | None] = mapped_column(String(1100))
    """Store, bucket and prefix (headend.model.store.place_of) in which that is; settled with it."""
    replay_url: Mapped[str | None] = mapped_column(String(2000))
    """Where it is watched, as the archiver made it."""
    replay_until: Mapped[datetime | None]
    """How long that is good; None: for good."""
    replay_made_by: Mapped[str | None] = mapped_column(String(64))
    """Fingerprint of the settings by which the URLs were made; with other ones they are made anew."""


class RecordingFileRow(Base):
    """One file of a recording, and everywhere it is."""

    __tablename__ = "recording_file"
    __table_args__ = (
        UniqueConstraint("recording_id", "name", name="one_file_per_name"),
        Index("files_by_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[int] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    """raw, video, strip, index, vod or manifest."""
    name: Mapped[str] = mapped_column(String(120))
    """Its name in the recording's folder, and in the object's key."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    """Lower-case hex, of what is on the disk; None until it was read."""
    made_at: Mapped[datetime]
    """raw: when its first frame came."""
    wanted: Mapped[bool] = mapped_column(server_default=false())
    """Whether it goes to the store at all."""
    state: Mapped[str] = mapped_column(String(12), server_default="local")
    """local, uploading, stored (complete, not yet verified) or verified."""
    object_key: Mapped[str | None] = mapped_column(String(700))
    upload_id: Mapped[str | None] = mapped_column(String(1100))
    """Of the multipart upload that is under way; 1100: AWS's are long."""
    part_bytes: Mapped[int | None] = mapped_column(BigInteger)
    checks: Mapped[str | None] = mapped_column(String(8))
    """crc32, md5 or none: what the requests of that upload carry; all of them, or the store refuses to join it."""
    etag: Mapped[str | None] = mapped_column(String(200))
    """As the store said when it was complete."""
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None] = mapped_column(String(8))
    """etag: the store's MD5 of the parts is what was computed here; reread: every byte was read back."""
    local_removed_at: Mapped[datetime | None]
    """Decided before the file goes: from here on the store's copy is the one."""
    remote_removed_at: Mapped[datetime | None]
    replay_url: Mapped[str | None] = mapped_column(String(2000))
    """What the store gives it for: presigned, or below public_url. For the audience, or for nginx@web (proxied)."""
    replay_until: Mapped[datetime | None]
    """How long that is good; None: for good."""


class UploadPartRow(Base):
    """A part that the store has taken."""

    __tablename__ = "upload_part"

    file_id: Mapped[int] = mapped_column(ForeignKey("recording_file.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    md5: Mapped[str] = mapped_column(String(32))
    """Lower-case hex, of what was read from the disk and sent."""
    etag: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


class ArchiverRow(Base):
    """The archiver of a host, as it last was: for metrics, and for whoever asks what is wrong."""

    __tablename__ = "archiver"

    host: Mapped[str] = mapped_column(String(64), primary_key=True)
    turned_at: Mapped[datetime]
    free_bytes: Mapped[int] = mapped_column(BigInteger)
    """Of the disk with the recordings."""
    total_bytes: Mapped[int] = mapped_column(BigInteger)
    recording_stopped: Mapped[bool] = mapped_column(server_default=false())
    """The disk is fuller than the reserve allows: nothing is recorded until it is not."""
    store_fault: Mapped[str | None] = mapped_column(String(300))
    """What the store said last, while it does not work."""
    sent_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Ever, by this host."""
    pruned_at: Mapped[datetime | None]
    """When the last prune run was through."""
