"""What stands beside the objects, for whoever finds the bucket without our database.

`manifest.json` in a recording's folder; one object for each event, with all its recordings. Of both:

    schema      1
    kind        "recording" or "event"
    recording   id, slug, owner, host, number (in its session), started_at, ended_at, media_seconds, codecs
    files       name, kind (raw, video, strip, index, vod), key, bytes, sha256, etag, verified_by ("etag", "reread")
    event       id, slug, title, starts_at, ends_at; `recordings`: what the recordings' manifests say, in their order

Times are UTC, as 2026-11-28T06:31:00Z. The same facts give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """A file that is in the store."""

    name: str
    kind: str
    key: str
    bytes: int
    sha256: str
    etag: str
    verified_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRecording:
    """A recording that is there with its files."""

    id: int
    slug: str
    owner: str
    host: str
    number: int
    started_at: datetime
    ended_at: datetime | None
    media_seconds: float | None
    codecs: Mapping[str, Any] | None
    files: Sequence[ArchivedFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedEvent:
    """An event all of whose recordings are there."""

    id: int
    slug: str
    title: str
    starts_at: datetime
    ends_at: datetime | None


def recording_manifest(recording: ArchivedRecording) -> str:
    """The text of a recording's manifest."""
    return _text({"schema": SCHEMA, "kind": "recording", **_recording(recording)})


def event_manifest(event: ArchivedEvent, recordings: Sequence[ArchivedRecording]) -> str:
    """The text of an event's manifest."""
    told = [_recording(one) for one in sorted(recordings, key=lambda one: (one.started_at, one.id))]
    return _text({"schema": SCHEMA, "kind": "event", "event": _plain(asdict(event)), "recordings": told})


def _recording(recording: ArchivedRecording) -> dict[str, Any]:
    facts = asdict(recording)
    files = sorted(facts.pop("files"), key=lambda file: str(file["name"]))
    return {"recording": _plain(facts), "files": files}


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: _utc(value) if isinstance(value, datetime) else value for name, value in facts.items()}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(facts: dict[str, Any]) -> str:
    return json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
