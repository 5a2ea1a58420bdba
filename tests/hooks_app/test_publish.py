"""Who is let in, and is the encoder there first?"""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from headend.model.facts import HookFacts
from hooks_app.database import Database
from hooks_app.stat_page import IngestDownError, StatPageError
from hooks_app.throttle import DELAY_SECONDS, FREE_REFUSALS
from tests.hooks_app.conftest import World


def test_a_valid_key_is_admitted_once_a_fresh_encoder_is_attached(world: World) -> None:
    assert world.publish() == 200
    assert world.units.calls == ["restart demo"]
    assert world.state() == "starting"


def test_a_wrong_key_leaves_no_row_and_no_unit(world: World) -> None:
    assert world.publish(key="wrong") == 403
    assert (world.units.calls, world.sessions()) == ([], [])


def test_an_empty_key_is_refused(world: World) -> None:
    assert world.publish(key="") == 403


def test_another_streams_key_is_refused(world: World) -> None:
    _, other = world.add_key("coffee-and-stocks", "")
    assert world.publish(key=other) == 403


def test_two_active_keys_both_admit_so_that_a_key_can_be_rotated(world: World) -> None:
    _, second = world.add_key("demo", "")
    assert world.publish(key=second) == 200


def test_a_revoked_key_is_refused(world: World) -> None:
    world.revoke_key(world.key_id)
    assert world.publish() == 403


def test_an_undeclared_stream_is_refused_even_with_a_key_of_its_own(world: World) -> None:
    _, key = world.add_key("gone", "")
    assert world.publish(key=key, name="gone") == 403


def test_a_second_publisher_is_refused_and_the_first_stays(world: World) -> None:
    world.go_live()
    assert world.publish(client=8) == 403
    assert (world.state(), world.units.calls) == ("live", ["restart demo"])


def test_a_second_publisher_is_refused_even_before_nginx_lists_the_first(world: World) -> None:
    assert world.publish() == 200
    world.ingest.unpublish("demo")
    assert world.publish(client=8) == 403


def test_the_stat_page_not_the_database_says_who_is_live(world: World) -> None:
    world.go_live()
    world.ingest.unpublish("demo")
    world.clock.sleep(2)
    assert world.publish(client=8) == 200
    assert [row.state for row in world.sessions()] == ["ended", "starting"]


def test_a_leftover_encoder_does_not_count_as_attached(world: World) -> None:
    world.ingest.attach("demo")
    world.units.restarted = lambda slug: None
    assert world.publish() == 503


def test_an_encoder_that_never_attaches_is_stopped_within_the_time_allowed(world: World) -> None:
    world.units.restarted = lambda slug: None
    assert world.publish() == 503
    assert world.units.calls == ["restart demo", "stop demo"]
    assert world.clock.elapsed == pytest.approx(world.facts.attach_timeout_seconds, abs=0.05)
    assert world.sessions()[0].reason == "refused: encoder did not attach in time"


def test_an_attempt_that_failed_was_never_on_air(world: World) -> None:
    world.units.restarted = lambda slug: None
    world.publish()
    assert world.state() == "offline"


def test_nobody_is_admitted_while_systemd_is_away(world: World) -> None:
    world.units.broken = True
    assert world.publish() == 503
    assert world.sessions()[0].ended_at is not None


@pytest.mark.parametrize("fault", [StatPageError("silent"), IngestDownError("down")])
def test_nobody_is_admitted_while_the_stat_page_is_unreadable(world: World, fault: StatPageError) -> None:
    world.ingest.fault = fault
    assert world.publish() == 503
    assert world.units.calls == []


def test_nobody_is_admitted_while_another_process_holds_the_database(world: World) -> None:
    with world.database.write() as db:
        db.execute(text("UPDATE stream_key SET label = 'held'"))
        assert world.publish() == 503
    assert (world.sessions(), world.units.calls) == ([], [])


def test_nobody_is_admitted_without_a_database(world: World) -> None:
    with world.database.write() as db:
        db.execute(text("DROP TABLE stream_key"))
    assert world.publish() == 503


def test_a_session_that_cannot_be_confirmed_is_not_admitted(world: World) -> None:
    def attach_and_lose_the_table(slug: str) -> None:
        world.ingest.attach(slug)
        with world.database.write() as db:
            db.execute(text("ALTER TABLE session RENAME TO lost"))

    world.units.restarted = attach_and_lose_the_table
    assert world.publish() == 503
    assert world.units.calls == ["restart demo", "stop demo"]


def test_of_many_publishers_at_once_exactly_one_is_admitted(world: World) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(world.publish(client=n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers)[0] == 200
    assert set(sorted(answers)[1:]) <= {403, 503}
    assert len(world.sessions()) == 1


def test_after_the_publisher_has_left_the_next_is_admitted_at_once(world: World) -> None:
    world.go_live()
    assert world.leave() == 200
    assert world.publish(client=8) == 200


@pytest.mark.parametrize("held_seconds, status", [(3, 200), (6, 503), (20, 503)])
def test_a_database_that_somebody_else_holds_is_waited_for_but_not_for_long(
    facts: HookFacts, world: World, held_seconds: float, status: int
) -> None:
    """Five seconds, on both engines; whoever is refused leaves no row behind."""
    patient = World(facts, Database(facts.database_url), clock=world.clock, host="origin-2")
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with world.database.write() as db:
            db.execute(text("UPDATE stream_key SET label = 'held'"))
            held.set()
            over.wait(held_seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    asked = time.monotonic()
    assert patient.publish(key=world.key) == status
    assert time.monotonic() - asked < 7
    over.set()
    holder.join(10)
    patient.database.close()
    assert [row.state for row in world.sessions()] == (["starting"] if status == 200 else [])


@pytest.mark.parametrize("fault", ["database", "stat page"])
def test_a_no_for_now_fills_the_journal_no_more_than_a_no_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("hooks_app.hooks.asyncio.sleep", wait)
    if fault == "database":
        world.database.migrate("base")
    else:
        world.ingest.fault = StatPageError("silent")
    with capture_logs() as lines:
        statuses = {world.publish(client=number) for number in range(60)}
    told = [line for line in lines if line["event"] == "unavailable"]
    assert (statuses, len(told), told[0]["log_level"]) == ({503}, FREE_REFUSALS, "error")
    assert waited == [DELAY_SECONDS] * (60 - FREE_REFUSALS)
