"""Recordings as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from hooks_app.api.answers import Body, Document
from hooks_app.archive.states import FileState, RecordingState

FileKind = Literal["raw", "video", "strip", "index", "vod", "manifest"]


class RecordingFile(Document):
    """One file of a recording."""

    kind: FileKind
    """video plays; strip and index are for seeking; vod is the ladder's own, as HLS; raw is as it came in."""
    name: str
    """In its folder, here and in the store."""
    bytes: int
    """Its size."""
    sha256: str | None
    """Lower-case hex; null until it was read."""
    wanted: bool
    """Whether it goes to the store at all."""
    state: FileState
    """local, uploading, stored (not yet verified) or verified."""
    verified_at: datetime | None
    """When the store's copy was compared with the one here."""
    verified_by: Literal["etag", "reread"] | None
    """etag: by the MD5 of its parts; reread: byte by byte."""
    here: bool
    """Whether it is on the disk of its host."""
    in_store: bool
    """Whether a verified copy is in the store."""
    url: str | None
    """Where it is to be had now; null where replay is off, or it is not archived."""
    url_until: datetime | None
    """How long that is good; null: for good."""


class Recording(Document):
    """A session's recording, or one of several of a session that was long."""

    id: int
    """Ascending."""
    slug: str
    """Of its stream."""
    owner: str
    """Whose it is."""
    host: str
    """The origin on whose disk it was recorded."""
    session_id: int | None
    """Its session; null where none is known."""
    event_id: int | None
    """Its event."""
    number: int
    """1, 2, … within its session."""
    state: RecordingState
    """recording, closed, finished, archived or removed."""
    since: datetime
    """When the state was entered."""
    started_at: datetime
    """When its first frame came."""
    ended_at: datetime | None
    """When its last one came; null while it is recorded."""
    seconds: float | None
    """Playing time; null until it is finished."""
    bytes: int
    """Of the file that plays; of the raw parts where there is none."""
    codecs: dict[str, Any] | None
    """Of the file that plays: video, width, height, frame_rate, audio, channels, sample_rate_hz."""
    fault: str | None
    """What is in the way of finishing or archiving it, or of reaching what is in the store."""
    attempts: int
    """How often that was tried in vain."""
    due_at: datetime | None
    """When it is tried again; null: at once."""
    held_at: datetime | None
    """Since when it is held: nothing of it is removed, here or in the store."""
    held_by: str | None
    """By whom."""
    hold_reason: str | None
    """Why."""
    removal_asked_at: datetime | None
    """Since when it is to be removed, here and in the store."""
    restore_asked_at: datetime | None
    """Since when its files are wanted back on the disk of its host."""
    restored_at: datetime | None
    """When they were back."""
    archived_at: datetime | None
    """When the last of its files was verified in the store."""
    local_removed_at: datetime | None
    """When it was removed from the disk."""
    remote_removed_at: datetime | None
    """When it was removed from the store."""
    files: list[RecordingFile] | None = None
    """Only on its own page: every file, by name."""


class Archiver(Document):
    """The archiver of a host, as it last was."""

    host: str
    """Whose."""
    turned_at: datetime
    """When it last looked."""
    free_bytes: int
    """Room on the disk with the recordings."""
    total_bytes: int
    """All of the room there."""
    recording_stopped: bool
    """The disk is too full: nothing is recorded until there is room. Live goes on."""
    store_fault: str | None
    """What the store said last, while it does not work."""
    sent_bytes: int
    """Ever, by this host."""
    pruned_at: datetime | None
    """When the last prune run was through."""


class RecordingsStatus(Document):
    """How far everything is."""

    mode: Literal["absent", "local", "archive"]
    """absent: nothing is recorded; local: without an object store, so that nothing is removed by itself."""
    replay: Literal["off", "presigned", "public", "proxied"]
    """How recordings are watched again."""
    recordings: dict[RecordingState, int]
    """How many are in each state; those that the caller may see."""
    local_bytes: int
    """Of their files on the disks of their hosts."""
    waiting_bytes: int
    """Of what is to go to the store and is not verified there."""
    waiting_sent_bytes: int
    """Of that, what the store has taken already."""
    archivers: list[Archiver]
    """By host."""


class Hold(Body):
    """A legal hold."""

    reason: str = Field(min_length=1, max_length=200)
    """Why; it is shown to whoever wants to remove the recording."""
