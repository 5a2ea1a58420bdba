"""A hook app on a real SQLite file, beside a pretended host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from headend.model.facts import HookFacts, LadderFacts, RtmpFacts, SrtFacts, StreamFacts
from hooks_app.app import Services, create_app
from hooks_app.database import Database
from hooks_app.here import Here
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger
from hooks_app.publisher import IngestProtocol
from hooks_app.tables import AuditRow, SessionRow
from tests.hooks_app.fakes import (
    FakeClock,
    FakeIngest,
    FakeMedia,
    FakeUnits,
    done_body,
    publish_body,
    srt_done_body,
    srt_publish_body,
)
from tests.support.postgres import Postgres, postgres

MASTER = b"a master secret of no origin at all"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class World:
    """The app and everything around it."""

    facts: HookFacts
    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    ingest: FakeIngest = field(default_factory=FakeIngest)
    media: FakeMedia = field(default_factory=FakeMedia)
    encoded: int = 0
    host: str = "origin-1"

    def __post_init__(self) -> None:
        self.units = FakeUnits(self.ingest.attach, self.media.ended.add)
        self.here = Here(clock=self.clock, host=self.host, boot_id="boot-1")
        self.ledger = Ledger(self.database, self.here)
        self.keys = KeyRing(self.database, self.clock, MASTER)
        if self.host == "origin-1":
            self.key_id, self.key = self.add_key("demo", "studio")
        self.start()

    def start(self) -> None:
        """Start the app, or start it anew: its memory is gone, the database is not."""
        self.app: FastAPI = create_app(
            Services(
                facts=self.facts,
                database=self.database,
                units=self.units,
                stat=self.ingest,
                dropper=self.ingest,
                media=self.media,
                clock=self.clock,
                here=self.here,
                master=MASTER,
            )
        )
        self.app.state.declare()
        self.client = TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)

    def add_key(self, slug: str, label: str = "", *more: Any, **named: Any) -> tuple[str, str]:
        """A new key, as KeyRing.add makes it: its id and its secret."""
        with self.database.write() as db:
            key, secret = self.keys.add(db, slug, label, *more, **named)
        return key.key_id, secret

    def revoke_key(self, key_id: str) -> bool:
        """Whether there was such a key."""
        with self.database.write() as db:
            return self.keys.revoke(db, key_id) is not None

    def with_streams(self, **changed: Any) -> World:
        """Start anew with other facts of every stream."""
        streams = tuple(stream.model_copy(update=changed) for stream in self.facts.streams)
        self.facts = self.facts.model_copy(update={"streams": streams})
        self.start()
        return self

    def second_host(self) -> World:
        """Another host with everything of its own but the clock and the database."""
        other = World(self.facts, self.database, clock=self.clock, host="origin-2")
        other.key_id, other.key = self.key_id, self.key
        return other

    def reboot(self, after_seconds: float) -> None:
        """The host goes down and comes up: its monotonic clock starts at 0."""
        self.clock.reboot(after_seconds)
        self.here = replace(self.here, boot_id="boot-2")
        self.start()

    def post(self, hook: str, content: bytes) -> int:
        """nginx calls a hook; returns the status."""
        return self.client.post(f"/hooks/{hook}", content=content, headers=FORM).status_code

    def publish(self, client: int = 7, key: str | None = None, name: str = "demo") -> int:
        """A publisher comes, and nginx lets it in if the app says so."""
        status = self.post("on_publish", publish_body(self.key if key is None else key, name, client))
        if status == 200:
            self.ingest.publish(name, client)
        return status

    def call(self, client: int = 7, **changed: str) -> int:
        """The remuxer of an SRT caller publishes, and nginx lets it in if the app says so."""
        status = self.post("on_publish", srt_publish_body(changed.pop("key_id", self.key_id), client, **changed))
        if status == 200:
            self.ingest.publish("demo", client, IngestProtocol.SRT)
        return status

    def hang_up(self, client: int = 7) -> int:
        """The remuxer goes, and nginx says so."""
        self.ingest.unpublish("demo")
        return self.post("on_publish_done", srt_done_body(self.key_id, client))

    def leave(self, client: int = 7) -> int:
        """The publisher goes, and nginx says so."""
        self.ingest.unpublish("demo")
        return self.post("on_publish_done", done_body(self.key, client=client))

    def encode(self, segment: str | None = None) -> None:
        """The encoder finishes a segment of every rendition: the next one, if it is not named."""
        self.encoded += 1
        self.media.write("demo", segment or f"1-{self.encoded:05}.ts")

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

    def admit_list(self) -> list[str]:
        """The lines that nginx@srt reads."""
        assert self.facts.srt is not None
        return Path(self.facts.srt.admit_list).read_text("ascii").splitlines()

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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database, migrated once for all tests."""
    path = tmp_path_factory.mktemp("database") / "state.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A real PostgreSQL with an empty, migrated database `template`."""
    with postgres() as server:
        server.sql("CREATE DATABASE template")
        database = Database(server.url("template"))
        database.migrate()
        database.close()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each test of the app runs on both; a test of one engine's own ways names it."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database of this test's own."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "state.sqlite3")
        yield f"sqlite:///{tmp_path}/state.sqlite3"
        return
    server: Postgres = request.getfixturevalue("server")
    name = server.copy_of("template")
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def facts(tmp_path: Path, database_url: str) -> HookFacts:
    for folder in ("admit", "remux-faults"):
        (tmp_path / folder).mkdir()
    return HookFacts(
        application="live",
        listen_host="127.0.0.1",
        listen_port=8090,
        database_url=database_url,
        media_root=str(tmp_path / "media"),
        stat_url="http://127.0.0.1:8081/stat",
        control_url="http://127.0.0.1:8081/control",
        public_url="https://live.example.org",
        ladders=(
            LadderFacts(name="default", renditions=("720p", "480p"), segment_seconds=2, reconnect_grace_seconds=30),
        ),
        streams=(stream_facts("demo", "Demo"), stream_facts("coffee-and-stocks", "Coffee & Stocks")),
        rtmp=RtmpFacts(public_host="live.example.org", port=1935),
        srt=SrtFacts(
            public_host="live.example.org",
            port=9000,
            latency_ms=120,
            admit_list=str(tmp_path / "admit" / "srt"),
            faults_dir=str(tmp_path / "remux-faults"),
        ),
    )


@pytest.fixture
def database(facts: HookFacts) -> Iterator[Database]:
    database = Database(facts.database_url, busy_seconds=0.2)
    yield database
    database.close()


@pytest.fixture
def world(facts: HookFacts, database: Database) -> World:
    return World(facts, database)


@pytest.fixture
def broken_audit() -> Iterator[None]:
    """Nothing can be written into the audit."""

    def fail(*_: object) -> None:
        raise OperationalError("INSERT INTO audit", {}, Exception("disk full"))

    event.listen(AuditRow, "before_insert", fail)
    yield
    event.remove(AuditRow, "before_insert", fail)


@pytest.fixture
def facts_file(tmp_path: Path, facts: HookFacts, database: Database) -> Path:
    """The facts as a file, which commands read; the database of the facts is there."""
    file = tmp_path / "hooks_app.json"
    file.write_text(facts.model_dump_json())
    return file


@pytest.fixture
def machine_clock(world: World) -> None:
    """The world's clock shows the machine's time, which commands read."""
    world.clock.elapsed = (datetime.now(UTC) - world.clock.now()).total_seconds()
