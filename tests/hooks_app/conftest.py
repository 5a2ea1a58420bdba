"""A hook app on a real SQLite file, beside a pretended host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from headend.model.facts import HookFacts, StreamFacts
from hooks_app.app import Services, create_app
from hooks_app.database import Database
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger
from hooks_app.tables import SessionRow
from tests.hooks_app.fakes import FakeClock, FakeIngest, FakeMedia, FakeUnits, done_body, publish_body

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class World:
    """The app and everything around it."""

    facts: HookFacts
    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    ingest: FakeIngest = field(default_factory=FakeIngest)
    media: FakeMedia = field(default_factory=FakeMedia)

    def __post_init__(self) -> None:
        self.units = FakeUnits(self.ingest.attach)
        self.ledger = Ledger(self.database, self.clock)
        self.keys = KeyRing(self.database, self.clock)
        self.key_id, self.key = self.keys.add("demo", "studio")
        self.start()

    def start(self) -> None:
        """Start the app, or start it anew: its memory is gone, the database is not."""
        self.app: FastAPI = create_app(
            Services(
                facts=self.facts,
                database=self.database,
                units=self.units,
                stat=self.ingest,
                media=self.media,
                clock=self.clock,
            )
        )
        self.client = TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)

    def post(self, hook: str, content: bytes) -> int:
        """nginx calls a hook; returns the status."""
        return self.client.post(f"/hooks/{hook}", content=content, headers=FORM).status_code

    def publish(self, client: int = 7, key: str | None = None, name: str = "demo") -> int:
        """A publisher comes, and nginx lets it in if the app says so."""
        status = self.post("on_publish", publish_body(self.key if key is None else key, name, client))
        if status == 200:
            self.ingest.publish(name, client)
        return status

    def leave(self, client: int = 7) -> int:
        """The publisher goes, and nginx says so."""
        self.ingest.unpublish("demo")
        return self.post("on_publish_done", done_body(self.key, client=client))

    def encode(self, segment: str = "1-00000.ts") -> None:
        """The encoder finishes a segment of every rendition."""
        self.media.written["demo"], self.media.segments["demo"] = self.clock.now(), segment

    def go_live(self) -> None:
        """Publish, encode, be seen."""
        assert self.publish() == 200
        self.encode()
        self.app.state.watcher.look()

    def rounds(self, count: int = 3) -> None:
        """Let the reconcile loop turn, two seconds apart."""
        for _ in range(count):
            self.app.state.reconciler.round()
            self.clock.sleep(self.facts.reconcile_seconds)

    def state(self, slug: str = "demo") -> str:
        """The state that the API tells."""
        return str(self.client.get(f"/api/v1/streams/{slug}").json()["state"])

    def sessions(self) -> list[SessionRow]:
        """Every session row."""
        with self.database.read() as db:
            return list(db.query(SessionRow).order_by(SessionRow.id))


def stream_facts(slug: str, title: str) -> StreamFacts:
    """A stream of two renditions."""
    playlist = f"https://live.example.org/streams/{slug}/index.m3u8"
    return StreamFacts(slug=slug, title=title, renditions=("720p", "480p"), segment_seconds=2, playlist=playlist)


@pytest.fixture(autouse=True, scope="session")
def plain_logs() -> None:
    """structlog's own default draws every exception with all its local variables, which takes seconds."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])


@pytest.fixture
def facts(tmp_path: Path) -> HookFacts:
    return HookFacts(
        application="live",
        listen_host="127.0.0.1",
        listen_port=8090,
        database_url=f"sqlite:///{tmp_path}/state.sqlite3",
        media_root=str(tmp_path / "media"),
        stat_url="http://127.0.0.1:8081/stat",
        streams=(stream_facts("demo", "Demo"), stream_facts("coffee-and-stocks", "Coffee & Stocks")),
    )


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, migrated once for all tests."""
    path = tmp_path_factory.mktemp("database") / "state.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def database(facts: HookFacts, migrated: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(migrated, tmp_path / "state.sqlite3")
    database = Database(facts.database_url, busy_seconds=0.2)
    yield database
    database.close()


@pytest.fixture
def world(facts: HookFacts, database: Database) -> World:
    return World(facts, database)
