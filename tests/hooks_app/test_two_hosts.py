"""Do two app hosts on one database leave each other's publishers alone?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts
from hooks_app.database import Database
from hooks_app.events import Broadcast
from hooks_app.schedules import Schedules
from hooks_app.tables import EventRow
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import FakeClock

ROUNDS = 10


@pytest.fixture
def other(world: World) -> World:
    """A second host with an nginx of its own, on the same database."""
    return world.second_host()


def test_one_host_does_not_end_what_is_on_air_at_the_other(world: World, other: World) -> None:
    world.go_live()
    for _ in range(5):
        world.encode()
        world.rounds(1)
        other.rounds(1)
    assert (world.state(), other.state(), other.units.calls) == ("live", "live", [])


def test_a_stream_has_one_publisher_over_both_hosts(world: World, other: World) -> None:
    world.go_live()
    world.rounds(1)
    assert other.publish(client=8) == 403
    assert world.state() == "live"


def test_a_publisher_may_come_back_to_the_other_host(world: World, other: World) -> None:
    world.with_streams(reconnect_grace_seconds=30).go_live()
    world.rounds(1)
    world.leave()
    assert other.publish(client=8) == 200
    assert [(row.state, row.host) for row in world.sessions()] == [("ended", "origin-1"), ("starting", "origin-2")]


def test_the_sessions_of_a_host_that_is_gone_are_ended(world: World, other: World) -> None:
    world.go_live()
    world.rounds(1)
    for _ in range(12):
        other.rounds(1)
    assert [(row.state, row.reason) for row in world.sessions()] == [("ended", "its host is gone")]


def test_a_host_that_was_thought_gone_does_not_keep_its_publisher(world: World, other: World) -> None:
    world.go_live()
    world.rounds(1)
    for _ in range(12):
        other.rounds(1)
    assert other.publish(client=8) == 200
    world.rounds(1)
    assert world.ingest.dropped == ["demo"]


@dataclass
class WrongClock(FakeClock):
    """A machine's clock that passes with another's but shows another time of day."""

    true: FakeClock = field(default_factory=FakeClock)

    def now(self) -> datetime:
        return self.true.now() + timedelta(seconds=self.stepped)

    def monotonic(self) -> float:
        return self.true.monotonic() + 5000.0

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)


@pytest.mark.parametrize("skew_seconds", [3600, -3600, 30, -30])
def test_a_host_whose_clock_is_wrong_ends_nothing_at_the_other(world: World, skew_seconds: float) -> None:
    clock = WrongClock(true=world.clock)
    other = World(world.facts, world.database, clock=clock, host="origin-2")
    world.go_live()
    world.rounds(1)
    clock.step(skew_seconds)
    for _ in range(15):
        world.encode()
        world.rounds(1)
        other.rounds(1)
    assert [(row.state, row.reason) for row in world.sessions()] == [("live", None)]
    # What is gone is noticed all the same.
    for _ in range(12):
        other.rounds(1)
    assert [(row.state, row.reason) for row in world.sessions()] == [("ended", "its host is gone")]


@pytest.mark.parametrize("jump_seconds", [3600, -3600])
def test_a_clock_that_is_set_ends_nothing(world: World, other: World, jump_seconds: float) -> None:
    world.go_live()
    for turn in range(30):
        if turn == 10:
            world.clock.step(jump_seconds)
        # Before the other one has written by the new time.
        other.rounds(1)
        world.encode()
        world.rounds(1)
    assert [(row.state, row.reason) for row in world.sessions()] == [("live", None)]


def test_a_host_that_has_just_started_takes_nobody_for_gone(world: World) -> None:
    world.go_live()
    world.rounds(1)
    world.clock.sleep(3600)
    other = world.second_host()
    other.rounds(9)
    assert other.publish(client=8) == 403
    assert [row.state for row in world.sessions()] == ["live"]
    other.rounds(3)
    assert other.publish(client=8) == 200


def test_while_nobody_could_look_nobody_is_gone(world: World, other: World) -> None:
    """As after a restart of the database: the host that is back first must not judge the other by it."""
    world.go_live()
    world.rounds(1)
    other.rounds(1)
    world.clock.sleep(300)
    other.rounds(4)
    assert [row.state for row in world.sessions()] == ["live"]


def test_a_kick_at_one_host_is_done_by_the_other(world: World, other: World) -> None:
    world.go_live()
    assert other.app.state.enforcer.kick("demo", "")
    assert world.ingest.dropped == []
    world.app.state.enforcer.look()
    assert world.ingest.dropped == ["demo"]


def test_a_connection_number_of_one_host_means_nothing_at_the_other(world: World, other: World) -> None:
    world.go_live()
    assert other.leave(client=7) == 200
    assert (world.state(), other.units.calls) == ("live", [])


@pytest.fixture
def apart(world: World, facts: HookFacts) -> Iterator[World]:
    """A second host with its own connections to the database."""
    own = Database(facts.database_url, busy_seconds=5)
    other = World(facts, own, clock=world.clock, host="origin-2")
    other.key_id, other.key = world.key_id, world.key
    yield other
    own.close()


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What they return, in the order of `works`; None for one that the database refused."""
    said: list[Any] = [None] * len(works)
    together = threading.Barrier(len(works))

    def work(number: int) -> None:
        together.wait(10)
        with suppress(SQLAlchemyError):
            said[number] = works[number]()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return said


def test_of_publishers_who_come_to_both_hosts_at_once_one_is_let_in(world: World, apart: World) -> None:
    for turn in range(ROUNDS):
        client = 100 + 2 * turn
        said = at_once(partial(world.publish, client=client), partial(apart.publish, client=client + 1))
        assert sorted(said)[0] == 200, said
        assert sorted(said)[1] in (403, 503), said
        assert [row.state for row in world.sessions()] == ["ended"] * turn + ["starting"]
        host, number = (world, client) if said[0] == 200 else (apart, client + 1)
        assert host.leave(client=number) == 200


def test_a_session_that_the_other_host_ended_meanwhile_is_not_admitted(world: World, other: World) -> None:
    def take_it(slug: str) -> None:
        world.ingest.attach(slug)
        other.rounds(12)
        assert other.publish(client=8) == 200

    world.units.restarted = take_it
    assert world.publish() == 503
    assert [(row.state, row.host) for row in world.sessions()] == [("ended", "origin-1"), ("starting", "origin-2")]


def test_both_hosts_plan_each_occurrence_once(world: World, apart: World) -> None:
    plans = [Schedules(host.database, host.here) for host in (world, apart)]
    with world.database.write() as db:
        plans[0].add(
            db,
            slug="demo",
            owner="site",
            broadcast=Broadcast(title="Coffee", overlays={}, destinations={}),
            starts_local="2026-03-02T20:00:00",
            time_zone="Europe/Berlin",
            duration_seconds=3600,
            rrule="FREQ=DAILY",
        )
    for _ in range(ROUNDS):
        world.clock.sleep(86400)
        at_once(*(plan.round for plan in plans))
    for plan in plans:
        assert plan.round() == 0
    with world.database.read() as db:
        planned = [row.occurrence for row in db.query(EventRow)]
    assert len(planned) == len(set(planned)) >= 14 + ROUNDS - 1
