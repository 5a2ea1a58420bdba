"""Is what came of an attempt kept, also where the database is away, and is what nobody knows called so?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from headend.model.announcements import Destination
from hooks_app.announcement_tables import MessageRow
from hooks_app.announcer.backoff import MAX_ATTEMPTS
from hooks_app.announcer.message_rows import finish
from hooks_app.database import Database
from tests.hooks_app.announcer.conftest import SIGNING_KEY, Stage, destination
from tests.hooks_app.fakes import NOON
from tests.support.receiver import hang_up


@dataclass
class Away:
    """A database that does not take so many writes of the queue."""

    database: Database
    left: int = 0

    def __post_init__(self) -> None:
        self.real = self.database.claim

    @contextmanager
    def claim(self) -> Iterator[Session]:
        if self.left > 0:
            self.left -= 1
            raise OperationalError("UPDATE", None, Exception("the server has gone"))
        with self.real() as db:
            yield db


@pytest.fixture
def away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Away:
    one = Away(stage.world.database)
    monkeypatch.setattr(stage.world.database, "claim", one.claim)
    return one


def answering(away: Away, failures: int, status: int, *headers: tuple[str, str]) -> Callable[..., None]:
    """Answers, and by then the database is away."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        away.left = failures
        handler.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def test_a_database_that_is_away_for_a_while_makes_nobody_send_again(stage: Stage, away: Away) -> None:
    stage.discord.answers.append(answering(away, 20, 204))
    stage.world.go_live()
    stage.worker.look()
    beats: list[None] = []
    assert stage.worker.send_next(lambda: beats.append(None))
    assert len(beats) == 20
    stage.pass_time(180)
    (row,) = stage.messages()
    assert (row.state, row.attempts, row.repeated) == ("sent", 1, False)
    assert len(stage.discord.got) == 1


def test_a_pause_that_a_place_asked_for_is_kept_though_the_database_was_away(stage: Stage, away: Away) -> None:
    stage.discord.answers.append(answering(away, 3, 429, ("Retry-After", "600")))
    stage.world.go_live()
    stage.run()
    assert stage.place().hold_until is not None
    stage.pass_time(590)
    assert len(stage.discord.got) == 1
    stage.pass_time(60)
    assert [(row.state, row.repeated) for row in stage.messages()] == [("sent", False)]


def test_after_its_lease_a_message_is_sent_again_and_says_so(stage: Stage, away: Away) -> None:
    stage.discord.answers.append(answering(away, 10_000, 204))
    stage.world.go_live()
    stage.worker.look()
    with pytest.raises(OperationalError):
        stage.worker.send_next()
    assert timedelta(seconds=55) < stage.world.clock.now() - NOON <= timedelta(seconds=60)
    away.left = 0
    stage.pass_time(60, step=10)
    assert [(row.state, row.attempts, row.repeated) for row in stage.messages()] == [("sent", 2, True)]


def webhook(stage: Stage, keep_secret: Callable[[str, str], None]) -> Destination:
    """A place that tells a repetition by its id, so that a lost answer is a reason to send again."""
    keep_secret("key", SIGNING_KEY)
    return destination("site", "webhook", secret="key", url=f"http://127.0.0.1:{stage.discord.port}/hooks/live")


@pytest.mark.parametrize("stale_minutes, attempts", [(1440, MAX_ATTEMPTS), (1, None)])
def test_what_never_got_an_answer_is_uncertain_at_the_end(
    stage: Stage, keep_secret: Callable[[str, str], None], stale_minutes: int, attempts: int | None
) -> None:
    stage.restart(destinations=(webhook(stage, keep_secret),), live_stale_minutes=stale_minutes)
    stage.discord.always = hang_up
    stage.world.go_live()
    stage.pass_time(3600)
    (row,) = stage.messages()
    assert row.state == "uncertain"
    assert row.attempts == len(stage.discord.got)
    assert attempts in {None, row.attempts}


def test_what_may_have_arrived_before_a_refusal_is_uncertain(
    stage: Stage, keep_secret: Callable[[str, str], None]
) -> None:
    stage.restart(destinations=(webhook(stage, keep_secret),))
    stage.discord.answers.extend([hang_up, (404, {}, b"")])
    stage.world.go_live()
    stage.pass_time(60, step=5)
    assert [(row.state, row.status) for row in stage.messages()] == [("uncertain", 404)]
    assert stage.place("site").broken_reason == "HTTP 404"


def test_what_a_lost_worker_had_is_uncertain_when_it_is_too_late_to_send_it_again(stage: Stage) -> None:
    stage.restart(live_stale_minutes=1)
    stage.world.go_live()
    stage.worker.look()
    assert stage.worker.queue.claim() is not None
    stage.run(90)
    stage.run(10)
    assert [row.state for row in stage.messages()] == ["uncertain"]
    assert stage.discord.got == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_is_just_being_written_down_is_not_taken_back(stage: Stage) -> None:
    stage.world.go_live()
    stage.worker.look()
    message = stage.worker.queue.claim()
    assert message is not None
    with stage.world.database.claim() as db:
        row = db.get_one(MessageRow, message.id, with_for_update=True)
        finish(row, "sent", NOON, status=200, reason=None)
        row.leased_by = row.leased_until = None
        db.flush()
        stage.world.clock.sleep(61)
        stage.worker.queue.tidy()
    assert [(row.state, row.repeated) for row in stage.messages()] == [("sent", False)]
