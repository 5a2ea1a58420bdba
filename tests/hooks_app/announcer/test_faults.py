"""Does what a place answers lead to what it asked for: patience, order, and no more sends than were promised?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from sqlalchemy import select

from headend.announcing.story import Story
from hooks_app.announcement_tables import AnnouncementRow, MessageRow, PlaceRow
from hooks_app.announcer.backoff import MAX_ATTEMPTS, delay_seconds, pause_seconds
from tests.hooks_app.announcer.conftest import Stage, destination, worker_of
from tests.hooks_app.fakes import NOON
from tests.support.receiver import Answer, Receiver, answer_and_reset, hang, hang_up

JSON = {"Content-Type": "application/json"}
TIMES = [timedelta(hours=hour) for hour in (2, 3, 4)]


def queue_three(stage: Stage) -> None:
    """Three announcements of a stream at a place, none of them sent yet."""
    for ahead in TIMES:
        stage.plan(NOON + ahead, minutes=30)
    stage.worker.look()


def told(receiver: Receiver) -> list[str]:
    """Which of the three the receiver got, in its order: their starts."""
    return [got.json["embeds"][0]["fields"][0]["value"] for got in receiver.got]


def start_of(row: MessageRow) -> str:
    """How a post says when it starts."""
    story = Story.of_kept(row.story)
    return f"{story.starts_discord} ({story.starts_in_discord})"


def rate_limited(seconds: float, *, everywhere: bool = False) -> Answer:
    """Discord's 429."""
    headers = {**JSON, "Retry-After": str(int(seconds)), **({"X-RateLimit-Global": "true"} if everywhere else {})}
    return 429, headers, json.dumps({"retry_after": seconds, "global": everywhere}).encode()


@pytest.mark.parametrize("pause", [1, 30, 600])
def test_nothing_is_sent_before_retry_after(stage: Stage, pause: int) -> None:
    queue_three(stage)
    stage.discord.answers.append(rate_limited(pause))
    assert stage.run() == 1
    assert stage.run(pause - 0.5) == 0
    stage.pass_time(5, step=1)
    assert len(stage.discord.got) == 4
    assert told(stage.discord) == [start_of(row) for row in stage.messages() for _ in range(row.attempts)]
    assert [row.attempts for row in stage.messages()] == [2, 1, 1]


def test_a_global_limit_holds_every_place_of_the_kind(stage: Stage) -> None:
    stage.restart(destinations=(destination(), destination("two", secret="chat"), destination("site", "webhook")))
    queue_three(stage)
    stage.discord.answers.append(rate_limited(30, everywhere=True))
    stage.worker.send_next()
    assert (stage.place("chat").hold_until, stage.place("two").hold_until) == (NOON + timedelta(seconds=30),) * 2
    assert stage.place("site").hold_until is None


@pytest.mark.parametrize(
    "answer", [(500, {}, b""), (502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>"), (503, JSON, b"{}")]
)
def test_a_place_that_fails_is_tried_again_in_order_and_not_for_ever(stage: Stage, answer: Answer) -> None:
    stage.restart(live_stale_minutes=1440)
    queue_three(stage)
    stage.discord.always = answer
    stage.pass_time(2 * 3600 - 60, step=60)
    rows = stage.messages()
    assert (rows[0].state, rows[0].attempts) == ("dead", MAX_ATTEMPTS)
    assert str(answer[0] if isinstance(answer, tuple) else "") in (rows[0].reason or "")
    assert len(stage.discord.got) == sum(row.attempts for row in rows)
    assert max(row.attempts for row in rows) == MAX_ATTEMPTS
    # Whoever is second comes after the last attempt with the first.
    assert told(stage.discord) == [start_of(row) for row in rows for _ in range(row.attempts)]


@pytest.mark.parametrize("fault", [hang_up, hang])
def test_a_place_that_hangs_or_resets_is_not_told_twice_where_people_read(
    stage: Stage, fault: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    stage.worker.delivery._outbound = replace(stage.worker.delivery._outbound, seconds=1.0)
    queue_three(stage)
    stage.discord.answers.append(fault)
    stage.pass_time(60, step=1)
    first, *rest = stage.messages()
    assert (first.state, first.attempts) == ("uncertain", 1)
    assert [row.state for row in rest] == ["sent", "sent"]
    assert len(stage.discord.got) == 3


def test_a_place_that_resets_after_its_answer_is_told_once(stage: Stage) -> None:
    queue_three(stage)
    stage.discord.always = answer_and_reset
    stage.pass_time(60, step=1)
    assert [(row.state, row.status, row.attempts) for row in stage.messages()] == [("sent", 204, 1)] * 3
    assert len(stage.discord.got) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_place_that_is_gone_is_tried_once_and_said_to_be_broken(stage: Stage, status: int) -> None:
    queue_three(stage)
    stage.discord.always = (status, JSON, b'{"code": 10015, "message": "Unknown Webhook"}')
    stage.pass_time(600)
    assert len(stage.discord.got) == 1
    assert stage.place().broken_reason == f"HTTP {status}"
    # Mended, the others go out.
    stage.discord.always = None
    with stage.world.database.write() as db:
        db.get_one(PlaceRow, "chat").broken_at = None
    stage.pass_time(60)
    assert [row.state for row in stage.messages()] == ["dead", "sent", "sent"]


def test_a_post_that_somebody_deleted_breaks_nothing(stage: Stage) -> None:
    stage.world.go_live()
    stage.run()
    stage.world.leave()
    stage.discord.answers.append((404, JSON, b'{"code": 10008, "message": "Unknown Message"}'))
    stage.run()
    assert stage.place().broken_at is None
    assert [row.state for row in stage.messages()] == ["sent", "dead"]


def test_a_redirect_is_not_followed(stage: Stage) -> None:
    stage.discord.always = (302, {"Location": stage.discord.url + "2"}, b"")
    stage.world.go_live()
    stage.run()
    assert (len(stage.discord.got), stage.messages()[0].state, stage.messages()[0].status) == (1, "dead", 302)


def test_a_secret_that_is_not_there_breaks_the_place_and_says_its_name(stage: Stage) -> None:
    stage.restart(destinations=(destination(secret="nobody-placed-it"),))
    stage.world.go_live()
    stage.run()
    assert stage.place().broken_reason == "the credential nobody-placed-it is not there, or is not one line"


def test_a_place_has_a_ceiling_a_minute(stage: Stage) -> None:
    stage.restart(destinations=(destination(per_minute=2),))
    queue_three(stage)
    assert stage.run() == 2
    assert stage.run(30) == 0
    assert stage.run(31) == 1


def test_what_a_dead_worker_had_is_sent_again_and_says_so(stage: Stage) -> None:
    stage.world.go_live()
    stage.worker.look()
    assert stage.worker.queue.claim() is not None
    other = worker_of(stage.world, stage.facts, "origin-2")
    assert other.send_next() is False
    stage.restart()
    assert stage.run() == 1
    (row,) = stage.messages()
    assert (row.state, row.attempts, row.repeated) == ("sent", 2, True)


def test_what_another_host_s_dead_worker_had_is_sent_when_its_lease_is_over(stage: Stage) -> None:
    stage.world.go_live()
    stage.worker.look()
    assert stage.worker.queue.claim() is not None
    stage.worker = worker_of(stage.world, stage.facts, "origin-2")
    assert stage.run(59) == 0
    assert stage.run(2) == 1


def test_a_worker_that_lost_its_lease_writes_nothing_down(stage: Stage) -> None:
    stage.world.go_live()
    stage.worker.look()
    late = stage.worker.queue.claim()
    assert late is not None
    other = worker_of(stage.world, stage.facts, "origin-2")
    stage.world.clock.sleep(61)
    other.queue.tidy()
    assert other.send_next()
    stage.worker.queue.settle(late, stage.worker.delivery.send(late))
    assert (stage.messages()[0].state, stage.messages()[0].attempts) == ("sent", 2)


def test_a_clock_that_is_set_back_holds_nothing_up(stage: Stage) -> None:
    queue_three(stage)
    stage.discord.answers.append((500, {}, b""))
    stage.run()
    stage.world.clock.step(-3600)
    stage.pass_time(20, step=2)
    assert [row.state for row in stage.messages()] == ["sent", "sent", "sent"]


def test_a_clock_that_is_set_back_does_not_keep_a_live_stream_secret(stage: Stage) -> None:
    stage.world.go_live()
    stage.world.clock.step(-3600)
    stage.pass_time(10, step=1)
    assert [row.state for row in stage.messages()] == ["sent"]


def test_a_ceiling_counts_nothing_that_lies_ahead(stage: Stage) -> None:
    stage.restart(destinations=(destination(per_minute=2),))
    queue_three(stage)
    assert stage.run() == 2
    stage.world.clock.step(-3600)
    stage.pass_time(10, step=2)
    assert [row.state for row in stage.messages()] == ["sent", "sent", "sent"]


def test_a_clock_that_is_set_back_makes_no_pause_longer(stage: Stage) -> None:
    queue_three(stage)
    stage.discord.answers.append(rate_limited(30))
    stage.run()
    stage.run(10)
    stage.world.clock.step(-3600)
    stage.pass_time(28, step=2)
    assert len(stage.discord.got) == 1
    stage.pass_time(6, step=2)
    assert [row.state for row in stage.messages()] == ["sent", "sent", "sent"]


def test_no_transaction_is_open_while_a_message_is_sent(stage: Stage) -> None:
    def write_meanwhile(handler: object) -> None:
        with stage.world.database.write() as db:
            assert db.scalar(select(MessageRow.state)) == "leased"
        handler.send_response(204)  # type: ignore[attr-defined]
        handler.end_headers()  # type: ignore[attr-defined]

    stage.discord.answers.append(write_meanwhile)
    stage.world.go_live()
    stage.run()
    assert stage.messages()[0].state == "sent"


def test_a_message_that_cannot_be_read_does_not_hold_up_the_others(stage: Stage) -> None:
    queue_three(stage)
    with stage.world.database.write() as db:
        db.get_one(MessageRow, stage.messages()[0].id).story = {"stream": "demo", "from": "another release"}
    stage.pass_time(10, step=1)
    assert [row.state for row in stage.messages()] == ["dead", "sent", "sent"]


def test_an_occasion_that_cannot_be_told_does_not_hold_up_the_others(stage: Stage) -> None:
    queue_three(stage)
    stage.run()
    with stage.world.database.write() as db:
        # Nothing in the database says that there is such an occasion.
        db.add(AnnouncementRow(at=NOON, slug="demo", occasion="party", due_at=NOON, state="waiting"))
    stage.world.go_live()
    stage.run(1)
    assert stage.messages()[-1].occasion == "live"


class _Highest:
    def uniform(self, _low: float, high: float) -> float:
        return high


def test_waits_double_and_are_capped() -> None:
    assert [delay_seconds(n, _Highest()) for n in (1, 2, 3, 8, 50)] == [2, 4, 8, 256, 300]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said, seconds",
    [
        ("120", 120),
        ("0.5", 0.5),
        ("-3", 0),
        ("1e9", 86_400),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60),
        ("soon", None),
        ("", None),
        ("nan", None),
    ],
)
def test_retry_after(said: str, seconds: float | None) -> None:
    assert pause_seconds({"retry-after": said}, NOON) == seconds
