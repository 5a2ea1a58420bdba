"""Where a recording is watched again, for as long as that is good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.model.facts import HookFacts
from headend.model.store import is_proxied, place_of, store_origin
from hooks_app.archive.states import FileState, RecordingState
from hooks_app.recording_tables import RecordingFileRow, RecordingRow

MASTER: Final = "ladder.m3u8"
"""What the finisher calls the master playlist of a recording."""
GOOD_FOR: Final = timedelta(minutes=1)
"""A URL that ends sooner is told to nobody."""
REPLAYED: Final = frozenset({"video", "strip", "index", "vod"})
"""Kinds of files that the audience may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL."""

    url: str
    until: datetime | None
    """None: for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A recording that can be watched now."""

    event_id: int | None
    video: Address
    seconds: float | None
    playlist: Address | None
    strip: Address | None
    index: Address | None


def proxied_url(facts: HookFacts, recording_id: int, name: str) -> str:
    """Where nginx@web gives a file of a recording (replay mode proxied). It never changes."""
    return f"{facts.public_url}/replay/{recording_id}/{name}"


def file_address(facts: HookFacts, recording: RecordingRow, file: RecordingFileRow, now: datetime) -> Address | None:
    """Where the audience finds a file; None where it may not, or not any more."""
    if not is_watched(facts, recording) or not signed_is_good(file, now):
        return None
    if facts.recordings is not None and is_proxied(facts.recordings.settings):
        return Address(url=proxied_url(facts, recording.id, file.name), until=None)
    return Address(url=str(file.replay_url), until=file.replay_until)


def made_by(facts: HookFacts) -> str:
    """Fingerprint of the settings by which URLs are made; it says nothing of a secret."""
    if facts.recordings is None or facts.recordings.settings.archive is None:
        return ""
    archive, replay = facts.recordings.settings.archive, facts.recordings.settings.replay
    told = (replay.mode, replay.public_url, facts.public_url, place_of(archive), store_origin(archive))
    text = json.dumps([*told, archive.region, archive.access_key_id])
    return hashlib.sha256(text.encode()).hexdigest()


def is_watched(facts: HookFacts, recording: RecordingRow) -> bool:
    """Whether the audience may see anything of a recording, by a URL that these settings made."""
    settings = facts.recordings.settings if facts.recordings else None
    return (
        settings is not None
        and settings.archive is not None
        and settings.replay.mode != "off"
        and recording.object_place == place_of(settings.archive)
        and recording.replay_made_by == made_by(facts)
        and recording.state == RecordingState.ARCHIVED
        and recording.removal_asked_at is None
        and recording.remote_removed_at is None
    )


def signed_is_good(file: RecordingFileRow, now: datetime) -> bool:
    """Whether the store gives a file by the URL that the archiver made."""
    return (
        file.kind in REPLAYED
        and file.state == FileState.VERIFIED
        and file.remote_removed_at is None
        and file.replay_url is not None
        and (file.replay_until is None or file.replay_until >= now + GOOD_FOR)
    )


def playable(db: Session, facts: HookFacts, events: Collection[int], now: datetime) -> dict[int, list[Playable]]:
    """What can be watched of these events, each in the order in which it was recorded."""
    if not events or facts.recordings is None or facts.recordings.settings.replay.mode == "off":
        return {}
    query = (
        select(RecordingRow, RecordingFileRow)
        .join(RecordingFileRow, RecordingFileRow.recording_id == RecordingRow.id)
        .where(
            RecordingRow.event_id.in_(events),
            RecordingRow.state == RecordingState.ARCHIVED,
            RecordingFileRow.kind.in_(["video", "strip", "index"]) | (RecordingFileRow.name == MASTER),
        )
        .order_by(RecordingRow.started_at, RecordingRow.id)
    )
    rows: dict[int, tuple[RecordingRow, dict[str, RecordingFileRow]]] = {}
    for recording, file in db.execute(query):
        rows.setdefault(recording.id, (recording, {}))[1][file.kind] = file
    found: dict[int, list[Playable]] = {}
    for recording, files in rows.values():
        addresses = {kind: file_address(facts, recording, file, now) for kind, file in files.items()}
        video = _video(facts, recording, addresses.get("video"), now)
        if video is not None:
            one = Playable(
                event_id=recording.event_id,
                video=video,
                seconds=recording.media_seconds,
                # Its playlists and segments are beside it: nobody signs the names in it.
                playlist=addresses.get("vod") if facts.recordings.settings.replay.mode != "presigned" else None,
                strip=addresses.get("strip"),
                index=addresses.get("index"),
            )
            found.setdefault(recording.event_id or 0, []).append(one)
    return found


def lasting_url(db: Session, event_id: int) -> str | None:
    """The first URL of an event that is good for good: one that may stand in a message."""
    query = (
        select(RecordingRow.replay_url)
        .where(
            RecordingRow.event_id == event_id,
            RecordingRow.state == RecordingState.ARCHIVED,
            RecordingRow.replay_url.is_not(None),
            RecordingRow.replay_until.is_(None),
            RecordingRow.removal_asked_at.is_(None),
            RecordingRow.remote_removed_at.is_(None),
        )
        .order_by(RecordingRow.started_at, RecordingRow.id)
        .limit(1)
    )
    return db.scalar(query)


def _video(facts: HookFacts, recording: RecordingRow, address: Address | None, now: datetime) -> Address | None:
    # The recording's own URL is what the archiver says of it; without one there is nothing to watch.
    until = recording.replay_until
    if recording.replay_url is None or not is_watched(facts, recording) or (until and until < now + GOOD_FOR):
        return None
    return address or Address(url=recording.replay_url, until=until)
