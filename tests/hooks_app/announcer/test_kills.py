"""Is every message told, whatever kills the announcer, and told twice only where nobody can know?

HEADEND_CYCLES says how often it is killed, and HEADEND_MESSAGES how many eight workers share; CI does a part of what
the promise was measured with.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlalchemy import func, select

from headend.announcing.occasion import Occasion
from headend.model.announcements import Announcements
from headend.own_words import sample
from hooks_app.announcement_tables import AnnouncementRow, MessageRow
from hooks_app.announcer.queue import Queue
from hooks_app.clock import SystemClock
from hooks_app.database import Database
from hooks_app.senders.outcome import Sent
from tests.hooks_app.announcer.conftest import SIGNING_KEY, Stage, destination

KILLS = int(os.environ.get("HEADEND_CYCLES", "10"))
MESSAGES = int(os.environ.get("HEADEND_MESSAGES", "400"))
WORKERS = 8
LANES = 25
PLACES = 30
BATCH = 15
BACKLOG = 8000


def fill(database: Database, count: int, first: int = 0, place: str = "chat") -> None:
    """So many messages that are due, in several lanes."""
    now = datetime.now(UTC)
    story = sample(Occasion.RECAP).model_dump(mode="json")
    with database.write() as db:
        for number in range(first, first + count):
            told = AnnouncementRow(at=now, slug="demo", occasion="recap", due_at=now, state="told")
            db.add(told)
            db.flush()
            db.add(
                MessageRow(
                    announcement_id=told.id,
                    destination=place,
                    uid=f"msg_{number}",
                    slug=f"lane-{number % LANES}",
                    owner="site",
                    occasion="recap",
                    story=story,
                    made_at=now,
                    due_at=now,
                    not_after=now + timedelta(days=1),
                )
            )


@contextmanager
def announcer(facts_file: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """The real process, once it says that it is ready."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    Path(address).unlink(missing_ok=True)
    channel.bind(address)
    channel.settimeout(30)
    process = subprocess.Popen(
        [sys.executable, "-m", "hooks_app.announcer", "--facts", str(facts_file)],
        env={**os.environ, "NOTIFY_SOCKET": address},
        stdout=subprocess.DEVNULL,
    )
    try:
        while channel.recv(100) != b"READY=1":
            pass
        yield process
    finally:
        process.kill()
        process.wait()
        channel.close()


def left(database: Database) -> int:
    """Messages that are not finished."""
    with database.read() as db:
        return db.scalar(select(func.count()).where(MessageRow.state.in_(["queued", "leased"]))) or 0


def crew_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Its processes: the one that looks, and those that send."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.timeout(1800)
def test_whoever_is_killed_nothing_is_lost_and_at_most_what_it_had_on_its_way_comes_twice(
    stage: Stage, tmp_path: Path, keep_secret: Callable[[str, str], None]
) -> None:
    def slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.02)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    stage.discord.always = slowly
    keep_secret("key", SIGNING_KEY)
    url = f"http://127.0.0.1:{stage.discord.port}/hooks/live"
    settings = Announcements(
        destinations=tuple(destination(f"site-{n}", "webhook", secret="key", url=url) for n in range(PLACES)),
        outbound=stage.facts.settings.outbound,
    )
    facts = stage.world.facts.model_copy(
        update={"announcements": stage.facts.model_copy(update={"settings": settings})}
    )
    file = tmp_path / "facts.json"
    file.write_text(facts.model_dump_json())
    # As patient as the app's own: a crew of five writes too.
    database = Database(facts.database_url)
    chance, kills, made = random.Random(5), 0, 0
    while kills < KILLS:
        with announcer(file, str(tmp_path / "notify")) as process:
            # Ten of its crew, then the keeper itself.
            for _ in range(min(10, KILLS - kills - 1)):
                # To a place that has not reached its ceiling.
                fill(database, BATCH, made, f"site-{chance.randrange(PLACES)}")
                made += BATCH
                time.sleep(chance.uniform(0.0, 0.4))
                os.kill(chance.choice(crew_of(process)), signal.SIGKILL)
                kills += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    with announcer(file, str(tmp_path / "notify")):
        end = time.monotonic() + 60 + KILLS
        while left(database) and time.monotonic() < end:
            time.sleep(0.1)
    database.close()
    rows = stage.messages()
    assert [row.state for row in rows if row.state != "sent"] == []
    assert len(rows) == made
    arrived = Counter(got.headers["webhook-id"] for got in stage.discord.got)
    assert set(arrived) == {row.uid for row in rows}
    assert all(arrived[row.uid] <= row.attempts for row in rows)
    assert all(row.repeated for row in rows if row.attempts > 1)
    # Whoever gets a message for the second time is told that it may be the second time.
    seen: set[str] = set()
    for got in stage.discord.got:
        assert got.json["repeated"] or got.json["id"] not in seen
        seen.add(got.json["id"])
    twice = sum(arrived.values()) - made
    assert twice <= kills
    print(f"{kills} kills, {made} messages, {twice} arrived once more")


@pytest.mark.parametrize("engine", ["postgresql"])
def test_eight_workers_claim_no_message_twice(stage: Stage, worker_database: Callable[[], Database]) -> None:
    place = destination(per_minute=600).model_copy(update={"per_minute": 10**9})
    fill(stage.world.database, MESSAGES)
    claimed: list[tuple[int, str]] = []
    order: list[tuple[str, int]] = []
    guard, together = threading.Lock(), threading.Barrier(WORKERS)

    def work(number: int) -> None:
        database = worker_database()
        queue = Queue(database, SystemClock(), f"worker-{number}", [place])
        together.wait(30)
        idle = 0
        while idle < 20:
            message = queue.claim()
            if message is None:
                idle += 1
                time.sleep(0.01)
                continue
            idle = 0
            with guard:
                claimed.append((message.id, message.uid))
                order.append((message.uid, message.id))
            queue.settle(message, Sent(200))
        database.close()

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    seconds = time.monotonic() - began
    counts = Counter(number for number, _ in claimed)
    assert len(counts) == MESSAGES
    assert max(counts.values()) == 1
    assert {row.state for row in stage.messages()} == {"sent"}
    lanes: dict[int, list[int]] = {}
    for uid, number in order:
        lanes.setdefault(int(uid.removeprefix("msg_")) % LANES, []).append(number)
    assert all(numbers == sorted(numbers) for numbers in lanes.values())
    print(f"{MESSAGES} messages by {WORKERS} workers in {seconds:.1f} s")


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_backlog_that_no_statistics_know_of_is_claimed_at_once(stage: Stage) -> None:
    fill(stage.world.database, BACKLOG)
    queue = Queue(stage.world.database, SystemClock(), "worker", [destination(per_minute=600)])
    # Asked once for each message, the lanes would take longer than a statement may.
    first = queue.claim()
    assert first is not None
    assert first.uid == "msg_0"


@pytest.fixture
def worker_database(stage: Stage) -> Callable[[], Database]:
    """Each worker has connections of its own."""
    return lambda: Database(stage.world.facts.database_url)
