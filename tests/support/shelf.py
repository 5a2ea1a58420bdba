"""A host's recordings: real folders, a real catalogue, and rows as the rest of the app writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from headend.model.recordings import Archive, Keep
from headend.model.store import place_of
from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.collector import Collected, Collector
from hooks_app.archive.finished import Finished
from hooks_app.archive.folders import Folder
from hooks_app.archive.prune import Policy
from hooks_app.database import Database
from hooks_app.here import Here
from hooks_app.recording_tables import RecordingFileRow, RecordingRow
from hooks_app.tables import EventRow, OwnerRow, SessionRow, StreamRow
from tests.hooks_app.fakes import FakeClock

ARCHIVE = Archive(bucket="live-recordings", access_key_id="writer", secret="archive")
SHA256 = "5e" * 32
FLV = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"


def policy(**changed: Any) -> Policy:
    """What the spec says by default, and what a test changes of it."""
    keep = Keep()
    values = {
        "archive": True,
        "local": timedelta(days=keep.local_days),
        "grace": timedelta(hours=keep.grace_hours),
        "high_water_percent": keep.high_water_percent,
        "low_water_percent": keep.low_water_percent,
        "remote": None,
        "place": place_of(ARCHIVE),
        "reserve_bytes": 0,
    }
    return Policy(**{**values, **changed})


@dataclass
class Shelf:
    """One host. Others may share the database and the clock."""

    database: Database
    root: Path
    buffer: Folder
    kept: Folder
    clock: FakeClock = field(default_factory=FakeClock)
    host: str = "origin-1"
    longest_hours: float = 6.0
    keep_raw: bool = False

    @classmethod
    @contextmanager
    def made(cls, database: Database, root: Path, **more: Any) -> Iterator[Shelf]:
        """With empty folders and the stream demo of the owner studio."""
        for name in ("buffer", "kept"):
            (root / name).mkdir(parents=True)
        with Folder.at(str(root / "buffer")) as buffer, Folder.at(str(root / "kept")) as kept:
            shelf = cls(database, root, buffer, kept, **more)
            with database.write() as db:
                if db.get(OwnerRow, "studio") is None:
                    db.add(OwnerRow(name="studio", title="Studio", created_at=shelf.now))
                    db.flush()
                    stream = StreamRow(
                        slug="demo", title="Demo", ladder="default", owner="studio", created_at=shelf.now
                    )
                    db.add(stream)
            yield shelf

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.database, Here(clock=self.clock, host=self.host, boot_id="boot-1"))
        self.restart()

    @property
    def now(self) -> datetime:
        """The time of day."""
        return self.clock.now()

    def restart(self) -> None:
        """Another process of the archiver."""
        self.collector = Collector(
            self.catalogue,
            self.buffer,
            self.kept,
            self.clock,
            longest_hours=self.longest_hours,
            keep_raw=self.keep_raw,
        )

    def collect(self, seconds: float = 0.0) -> Collected:
        """Let time pass, then one round."""
        self.clock.sleep(seconds)
        return self.collector.collect()

    def session(self, client: int = 7, slug: str = "demo", host: str | None = None, **more: Any) -> int:
        """A publisher is let in; the session's id."""
        with self.database.write() as db:
            row = SessionRow(
                **{
                    "slug": slug,
                    "client_id": client,
                    "state": "live",
                    "since": self.now,
                    "started_at": self.now,
                    "admitted_at": self.now,
                    "host": self.host if host is None else host,
                    **more,
                }
            )
            db.add(row)
            db.flush()
            return row.id

    def end(self, session_id: int) -> None:
        """The session is over."""
        with self.database.write() as db:
            row = db.get_one(SessionRow, session_id)
            row.state, row.ended_at = "ended", self.now

    def event(self, **more: Any) -> int:
        """An event of demo, ended; its id."""
        with self.database.write() as db:
            row = EventRow(
                **{
                    "slug": "demo",
                    "owner": "studio",
                    "title": "Open bell",
                    "overlays": {},
                    "destinations": {},
                    "starts_at": self.now - timedelta(hours=1),
                    "ends_at": None,
                    "state": "ended",
                    "since": self.now,
                    "ad_hoc": True,
                    "created_at": self.now,
                    "updated_at": self.now,
                    **more,
                }
            )
            db.add(row)
            db.flush()
            return row.id

    def part(self, client: int = 7, number: int = 1, slug: str = "demo", seconds: float = 0.0, size: int = 100) -> str:
        """nginx wrote a part that it began so many seconds ago; its name."""
        began = self.now - timedelta(seconds=seconds)
        name = f"{slug}-{int(began.timestamp())}-{client}-{number}.flv"
        path = self.root / "buffer" / name
        path.write_bytes((FLV + name.encode().ljust(max(size - len(FLV), 0), b"."))[:size])
        self.touch(path)
        return name

    def touch(self, path: Path, seconds: float = 0.0) -> None:
        """It was written so many seconds ago."""
        at = self.now.timestamp() - seconds
        os.utime(path, (at, at))

    def closed(self, client: int = 7, event_id: int | None = None, size: int = 100) -> int:
        """A recording of one part, closed; its id."""
        session_id = self.session(client, event_id=event_id)
        self.part(client, size=size)
        self.clock.sleep(60)
        self.end(session_id)
        (closed,) = self.collect(10).closed
        return closed

    def finished(self, client: int = 7, event_id: int | None = None, size: int = 100) -> int:
        """One whose MP4 was made, too; its files are real."""
        recording_id = self.closed(client, event_id, size)
        (self.root / "kept" / str(recording_id) / "demo.mp4").write_bytes(b"m" * size)
        assert self.catalogue.finished(recording_id, made(size))
        return recording_id

    def archived(self, client: int = 7, event_id: int | None = None, size: int = 100) -> int:
        """One that is in the store, too."""
        recording_id = self.finished(client, event_id, size)
        self.upload(recording_id)
        assert self.catalogue.archived(recording_id)
        return recording_id

    def upload(self, recording_id: int, archive: Archive = ARCHIVE) -> None:
        """Everything of it that is wanted is in the store, and verified."""
        (found,) = (
            one for one in self.catalogue.to_archive(self.now, archive, 1000) if one.recording_id == recording_id
        )
        for file in found.files:
            self.catalogue.read(file.id, file.sha256 or SHA256)
            self.catalogue.stored(file.id, "etag")
            self.catalogue.verified(file.id, "etag")

    def row(self, recording_id: int) -> RecordingRow:
        """A recording."""
        with self.database.read() as db:
            return db.get_one(RecordingRow, recording_id)

    def rows(self) -> list[RecordingRow]:
        """Every recording."""
        with self.database.read() as db:
            return list(db.scalars(select(RecordingRow).order_by(RecordingRow.id)))

    def files(self, recording_id: int) -> list[RecordingFileRow]:
        """Its files."""
        query = select(RecordingFileRow).where(RecordingFileRow.recording_id == recording_id)
        with self.database.read() as db:
            return list(db.scalars(query.order_by(RecordingFileRow.id)))

    def change(self, recording_id: int, **changes: Any) -> None:
        """Somebody who may writes to its row."""
        with self.database.write() as db:
            row = db.get_one(RecordingRow, recording_id)
            for name, value in changes.items():
                setattr(row, name, value)

    def disk(self) -> dict[str, list[str]]:
        """What is kept, by folder."""
        return {path.name: sorted(os.listdir(path)) for path in sorted((self.root / "kept").iterdir())}


def made(size: int = 100) -> Finished:
    """What the finisher says of demo.mp4."""
    video = {"name": "demo.mp4", "bytes": size, "sha256": SHA256, "seconds": 60.0, "codecs": {"video": "h264"}}
    return Finished.model_validate({"ok": True, "video": video, "strip": None, "index": None, "vod": [], "fault": None})
