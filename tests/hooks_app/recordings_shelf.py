"""Recordings in the catalogue, as the archiver leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from headend.model.facts import RecordingFacts
from headend.model.recordings import Archive, Recordings, Replay
from headend.model.store import place_of
from hooks_app.recording_tables import ArchiverRow, RecordingFileRow, RecordingRow
from hooks_app.replays import made_by
from tests.hooks_app.conftest import World

ARCHIVE = Archive(
    bucket="live-recordings", access_key_id="AKIAIOSFODNN7EXAMPLE", secret="archive", endpoint="https://s3.example.org"
)
SIGNED = "https://s3.example.org/live-recordings/{key}?X-Amz-Credential=A%2F20260301&X-Amz-Signature=5ca1ab1e"
NAMES = {
    "raw": "demo-1772366400-7-1.flv",
    "video": "demo-20260301T120000Z.mp4",
    "strip": "demo-20260301T120000Z.strip.jpg",
    "index": "demo-20260301T120000Z.strip.vtt",
}


@dataclass
class Shelf:
    """Puts recordings there, and looks at them."""

    world: World

    def settings(self, archive: Archive | None = ARCHIVE, **replay: Any) -> None:
        """Start the app with this object store and this replay."""
        settings = Recordings(record=True, archive=archive, replay=Replay(**replay))
        facts = RecordingFacts(settings=settings, root="/srv/headend/recordings", sweep_seconds=3600)
        self.world.facts = self.world.facts.model_copy(update={"recordings": facts})
        self.world.start()

    def event(self) -> int:
        """A broadcast that was, of the stream demo; its id."""
        self.world.go_live()
        self.world.leave()
        self.world.rounds(20)
        return int(self.world.sessions()[-1].event_id or 0)

    def put(self, *, state: str = "archived", owner: str = "site", good_minutes: float | None = 60, **more: Any) -> int:
        """A recording with all its files; its id. good_minutes None: its URLs are good for good."""
        now = self.world.clock.now()
        until = now + timedelta(minutes=good_minutes) if good_minutes is not None else None
        stored = state == "archived"
        row = RecordingRow(slug="demo", owner=owner, host="origin-1", state=state, since=now, started_at=now, **more)
        with self.world.database.write() as db:
            db.add(row)
            db.flush()
            folder = f"recordings/demo/2026/03/01/20260301T120000Z-{row.id}"
            row.object_prefix = folder
            recordings = self.world.facts.recordings
            row.object_place = place_of((recordings and recordings.settings.archive) or ARCHIVE)
            row.ended_at = row.ended_at or (now if state != "recording" else None)
            row.media_seconds = 60.0 if stored else None
            for size, (kind, name) in enumerate(NAMES.items(), 1):
                wanted = kind != "raw"
                url = SIGNED.format(key=f"{folder}/{name}") if stored and wanted else None
                verified = {"verified_at": now, "verified_by": "etag"} if stored and wanted else {}
                db.add(
                    RecordingFileRow(
                        recording_id=row.id,
                        kind=kind,
                        name=name,
                        bytes=size * 1000,
                        sha256="ab" * 32,
                        made_at=now,
                        wanted=wanted,
                        state="verified" if verified else "local",
                        object_key=f"{folder}/{name}",
                        replay_url=url,
                        replay_until=until if url else None,
                        **verified,
                    )
                )
                if kind == "video" and url:
                    row.replay_url, row.replay_until = url, until
                    row.replay_made_by = made_by(self.world.facts)
            return int(row.id)

    def ladder(self, number: int) -> None:
        """The ladder's own segments were kept, too."""
        with self.world.database.write() as db:
            video = db.query(RecordingFileRow).filter_by(recording_id=number, kind="video").one()
            known = {column.name: getattr(video, column.name) for column in RecordingFileRow.__table__.columns}
            for name in ("ladder.m3u8", "ladder-720p.m3u8", "ladder-720p.ts"):
                key = f"{str(video.object_key).rpartition('/')[0]}/{name}"
                mine = {"id": None, "kind": "vod", "name": name, "object_key": key}
                db.add(RecordingFileRow(**{**known, **mine, "replay_url": SIGNED.format(key=key)}))

    def change(self, number: int, **columns: Any) -> None:
        """What the archiver, or time, does to a recording."""
        with self.world.database.write() as db:
            row = db.get_one(RecordingRow, number)
            for name, value in columns.items():
                setattr(row, name, value)

    def change_file(self, number: int, kind: str, **columns: Any) -> None:
        """Likewise, to its files of a kind."""
        with self.world.database.write() as db:
            db.query(RecordingFileRow).filter_by(recording_id=number, kind=kind).update(dict(columns))

    def row(self, number: int) -> RecordingRow:
        """As it is."""
        with self.world.database.read() as db:
            return db.get_one(RecordingRow, number)

    def archiver(self, **more: Any) -> None:
        """The archiver of this host has looked."""
        now = self.world.clock.now()
        known = {"turned_at": now, "free_bytes": 10, "total_bytes": 100, "sent_bytes": 7, "pruned_at": now}
        with self.world.database.write() as db:
            db.merge(ArchiverRow(host="origin-1", **{**known, **more}))
