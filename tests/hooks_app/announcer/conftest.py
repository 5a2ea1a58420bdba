"""The announcer beside the app, on both databases, with real receivers on loopback and time that passes when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from headend.announcing.defaults import default_templates
from headend.model.announcements import Announcements, Destination, Outbound
from headend.model.facts import AnnouncementFacts
from hooks_app.announcement_tables import AnnouncementRow, MessageRow, PlaceRow
from hooks_app.announcer.worker import Worker
from hooks_app.events import Broadcast
from hooks_app.tables import EventRow
from tests.hooks_app.conftest import World
from tests.support.receiver import Receiver, receiving

PID_LIMIT, NUMBERS = 4_194_304, count(1)
SIGNING_KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass
class Stage:
    """A world whose announcer tells what happens in it."""

    world: World
    facts: AnnouncementFacts
    discord: Receiver
    worker: Worker

    def run(self, seconds: float = 0.0, most: int = 50) -> int:
        """Let time pass, then turn and send until there is nothing left; returns the attempts."""
        self.world.clock.sleep(seconds)
        self.worker._tidied = float("-inf")
        attempts = 0
        self.worker.look()
        while attempts < most and self.worker.send_next():
            attempts += 1
        return attempts

    def come_back(self, client: int = 8) -> None:
        """A publisher comes, and is live."""
        assert self.world.publish(client=client) == 200
        self.world.encode()
        self.world.app.state.watcher.look()

    def pass_time(self, seconds: float, step: float = 30.0) -> None:
        """Time passes, and the announcer turns every `step` seconds of it."""
        left = seconds
        while left > 0:
            self.run(min(step, left))
            left -= step

    def restart(self, name: str = "origin-1", **changed: Any) -> Worker:
        """A new process of the announcer, maybe with other settings."""
        if changed:
            settings = self.facts.settings.model_copy(update=changed)
            self.facts = self.facts.model_copy(update={"settings": settings})
        self.worker = worker_of(self.world, self.facts, name)
        return self.worker

    def plan(self, starts_at: datetime, minutes: float = 60, **more: Any) -> int:
        """An event of the stream demo; its id."""
        known = {"title": "Open bell", "overlays": {}, "destinations": {}, "description": "What moves the market."}
        broadcast = Broadcast(**{**known, **more})
        with self.world.database.write() as db:
            events = self.world.app.state.stage.events
            ends_at = starts_at + timedelta(minutes=minutes)
            row = events.add(db, slug="demo", owner="site", broadcast=broadcast, starts_at=starts_at, ends_at=ends_at)
            return int(row.id)

    def change(self, event_id: int, **changes: Any) -> None:
        """Change an event."""
        with self.world.database.write() as db:
            self.world.app.state.stage.events.change(db, db.get_one(EventRow, event_id), changes)

    def cancel(self, event_id: int) -> None:
        """Cancel an event."""
        with self.world.database.write() as db:
            self.world.app.state.stage.events.cancel(db, db.get_one(EventRow, event_id))

    def messages(self, **wanted: Any) -> list[MessageRow]:
        """Rows in their order."""
        with self.world.database.read() as db:
            return list(db.query(MessageRow).filter_by(**wanted).order_by(MessageRow.id))

    def states(self) -> list[tuple[str, str]]:
        """Occasion and state of every message."""
        return [(row.occasion, row.state) for row in self.messages()]

    def voided(self) -> list[tuple[str, str | None]]:
        """Occasion and reason of what was not told."""
        with self.world.database.read() as db:
            rows = db.query(AnnouncementRow).filter_by(state="void").order_by(AnnouncementRow.id)
            return [(row.occasion, row.reason) for row in rows]

    def place(self, name: str = "chat") -> PlaceRow:
        """What is known of a destination."""
        with self.world.database.read() as db:
            return db.get_one(PlaceRow, name)


def worker_of(world: World, facts: AnnouncementFacts, name: str = "origin-1") -> Worker:
    """An announcer whose loops are not started: a test turns it."""
    # Of a process that is not: another announcer of the host takes over what it had.
    pid = PID_LIMIT + next(NUMBERS)
    worker = Worker(world.facts, facts, world.database, world.clock, f"{name}/0:{pid}")
    worker.queue.start()
    return worker


def destination(name: str = "chat", kind: str = "discord", **more: Any) -> Destination:
    """A destination that hears of everything."""
    occasions = ("scheduled", "moved", "cancelled", "countdown", "live", "interrupted", "resumed", "ended", "recap")
    known = {"name": name, "kind": kind, "title": name, "secret": name, "per_minute": 600, "occasions": occasions}
    return Destination.model_validate({**known, **more})


@pytest.fixture
def discord() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def keep_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Gives the announcer a credential."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))

    def keep(name: str, text: str) -> None:
        (folder / f"announce-{name}").write_text(text + "\n")

    return keep


@pytest.fixture
def settings() -> Announcements:
    """Replaced by tests that need others."""
    return Announcements(destinations=(destination(),), outbound=Outbound(allow=("127.0.0.0/8",)))


@pytest.fixture
def stage(world: World, settings: Announcements, discord: Receiver, keep_secret: Callable[[str, str], None]) -> Stage:
    for place in settings.destinations:
        keep_secret(place.secret or "", discord.url)
    facts = AnnouncementFacts(settings=settings, templates={**default_templates()})
    world.facts = world.facts.model_copy(update={"announcements": facts})
    return Stage(world, facts, discord, worker_of(world, facts))
