"""Are people left alone in quiet hours, whatever has delayed a message, and is nothing else held up by what is held?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from headend.model.announcements import Announcements, Outbound
from hooks_app.announcement_tables import AnnouncerRow, MessageRow, PlaceRow
from hooks_app.announcer import crier
from hooks_app.senders.outcome import Sent
from tests.hooks_app.announcer.conftest import Stage, destination, worker_of
from tests.hooks_app.fakes import NOON

HOUR = timedelta(hours=1)
QUIET = {"start": "13:00", "end": "14:00", "time_zone": "UTC", "urgent": ("live",)}


@pytest.fixture
def settings() -> Announcements:
    """Quiet from an hour after noon, for an hour; a live is told at any hour."""
    return Announcements(
        destinations=(destination(quiet_hours=QUIET),), outbound=Outbound(allow=("127.0.0.0/8",)), countdown_minutes=()
    )


def wait_until(stage: Stage, hours: int, minutes: float) -> None:
    """Let the time of that day come, step by step."""
    left = NOON + timedelta(hours=hours - 12, minutes=minutes) - stage.world.clock.now()
    stage.pass_time(left.total_seconds(), step=20)


def skip_to(stage: Stage, hours: int, minutes: float) -> None:
    """The time of that day comes, and nobody looks meanwhile."""
    at = NOON + timedelta(hours=hours - 12, minutes=minutes)
    stage.world.clock.sleep((at - stage.world.clock.now()).total_seconds())


def test_what_is_urgent_passes_what_is_held(stage: Stage) -> None:
    skip_to(stage, 13, 10)
    stage.plan(NOON + 9 * HOUR)
    assert stage.run() == 0
    stage.world.go_live()
    assert stage.run(1) == 1
    assert stage.discord.titles == ["🔴 Demo is live"]
    wait_until(stage, 14, 1)
    assert len(stage.discord.got) == 2
    assert "Open bell" in stage.discord.titles[1]


def test_what_is_let_go_waits_for_what_is_on_its_way(stage: Stage) -> None:
    skip_to(stage, 13, 59.9)
    stage.plan(NOON + 9 * HOUR)
    stage.worker.look()
    stage.world.go_live()
    stage.worker.look()
    urgent = stage.worker.queue.claim()
    assert urgent is not None
    stage.world.clock.sleep(10)
    other = worker_of(stage.world, stage.facts, "origin-2")
    other.look()
    assert [row.held for row in stage.messages()] == [False, False]
    assert other.queue.claim() is None
    stage.worker.queue.settle(urgent, Sent(200))
    released = other.queue.claim()
    assert released is not None
    assert released.id < urgent.id


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_next_of_each_lane_is_found_by_its_index(stage: Stage) -> None:
    stage.world.go_live()
    stage.worker.look()
    said: list[tuple[str, Any]] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        said.append((statement, parameters))

    event.listen(stage.world.database.engine, "before_cursor_execute", listen)
    assert stage.worker.queue.claim() is not None
    event.remove(stage.world.database.engine, "before_cursor_execute", listen)
    (claim,) = [one for one in said if "UPDATE message" in one[0]]
    with stage.world.database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {claim[0]}", claim[1]).all()
    assert any("USING INDEX lanes" in row.detail for row in plan), plan


def set_place(stage: Stage, broken_at: datetime | None) -> None:
    with stage.world.database.write() as db:
        db.get_one(PlaceRow, "chat").broken_at = broken_at


def switch(stage: Stage, on: bool) -> None:
    with stage.world.database.write() as db:
        db.get_one(AnnouncerRow, 1).on = on


def mended(stage: Stage) -> None:
    set_place(stage, NOON)
    stage.run()
    skip_to(stage, 13, 5)
    set_place(stage, None)


def switched_on(stage: Stage) -> None:
    switch(stage, on=False)
    stage.run()
    skip_to(stage, 13, 5)
    switch(stage, on=True)


def paused(stage: Stage) -> None:
    stage.discord.answers.append((429, {"Retry-After": "120"}, b"{}"))
    stage.run()
    stage.discord.got.clear()


def replayed(stage: Stage) -> None:
    stage.run()
    stage.discord.got.clear()
    skip_to(stage, 13, 5)
    with stage.world.database.write() as db:
        row = db.query(MessageRow).one()
        row.state, row.attempts, row.due_at, row.finished_at = "queued", 0, stage.world.clock.now(), None


def spilled_over(stage: Stage) -> None:
    stage.restart(destinations=(destination(quiet_hours=QUIET, per_minute=1),))
    stage.plan(NOON + 6 * HOUR)
    stage.run()
    stage.discord.got.clear()


@pytest.mark.parametrize("delayed", [mended, switched_on, paused, replayed, spilled_over])
def test_what_was_delayed_into_the_quiet_is_told_after_it(stage: Stage, delayed: Callable[[Stage], None]) -> None:
    skip_to(stage, 12, 59.5)
    stage.plan(NOON + 9 * HOUR)
    delayed(stage)
    wait_until(stage, 13, 59)
    assert stage.discord.got == []
    waiting = stage.messages(state="queued")
    assert [(row.held, row.due_at) for row in waiting] == [(True, NOON + 2 * HOUR)]
    attempts = waiting[0].attempts
    wait_until(stage, 14, 1)
    assert len(stage.discord.got) == 1
    assert [row.state for row in stage.messages()][-1:] == ["sent"]
    # That it was held is no attempt.
    assert {row.id: row.attempts for row in stage.messages()}[waiting[0].id] == attempts + 1


def test_a_post_that_is_there_is_changed_at_any_hour(stage: Stage) -> None:
    stage.world.go_live()
    stage.run()
    skip_to(stage, 13, 10)
    stage.world.leave()
    stage.run()
    assert [got.method for got in stage.discord.got] == ["POST", "PATCH"]


def test_what_was_held_when_announcements_are_turned_off_is_not_told(stage: Stage) -> None:
    skip_to(stage, 13, 10)
    stage.plan(NOON + 9 * HOUR)
    stage.run()
    stage.restart(mode="off")
    wait_until(stage, 14, 1)
    assert stage.discord.got == []
    assert [(row.state, row.reason) for row in stage.messages()] == [("dropped", "announcements are off")]


def change(stage: Stage, index: int, **values: Any) -> None:
    """Change a message's row."""
    with stage.world.database.write() as db:
        row = db.get_one(MessageRow, stage.messages()[index].id)
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.parametrize("values", [{"story": {"from": "another release"}}, {"occasion": "party"}])
def test_a_held_message_that_cannot_be_read_does_not_hold_up_the_others(stage: Stage, values: dict[str, Any]) -> None:
    skip_to(stage, 13, 10)
    for hours in (9, 11):
        stage.plan(NOON + hours * HOUR)
    stage.run()
    change(stage, 0, **values)
    wait_until(stage, 14, 1)
    assert [row.state for row in stage.messages()] == ["dead", "sent"]


def test_what_may_be_there_already_is_not_merged(stage: Stage) -> None:
    skip_to(stage, 13, 10)
    for hours in (9, 11, 13):
        stage.plan(NOON + hours * HOUR)
    stage.run()
    change(stage, 0, repeated=True, attempts=1)
    before = stage.messages()[0]
    wait_until(stage, 14, 1)
    assert [row.state for row in stage.messages()] == ["sent", "sent", "merged"]
    assert (stage.messages()[0].occasion, stage.messages()[0].uid) == ("scheduled", before.uid)


def test_a_digest_that_waits_for_another_day_keeps_its_items(stage: Stage) -> None:
    skip_to(stage, 13, 10)
    for hours in (31, 33):
        stage.plan(NOON + hours * HOUR)
    stage.run()
    set_place(stage, NOON)
    wait_until(stage, 14, 1)
    with stage.world.database.write() as db:
        db.query(MessageRow).filter_by(state="queued").one().not_after = NOON + 30 * HOUR
    skip_to(stage, 37, 10)
    set_place(stage, None)
    stage.plan(NOON + 50 * HOUR)
    stage.run()
    assert stage.discord.got == []
    wait_until(stage, 38, 1)
    (digest,) = stage.discord.got
    assert "3 news" in digest.title


def test_an_occasion_that_cannot_be_told_at_one_place_is_told_at_none(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.restart(destinations=(destination("first", secret="chat"), destination("second", quiet_hours=QUIET)))

    def fail(hours: object, *_more: object) -> None:
        if hours is not None:
            raise ValueError

    monkeypatch.setattr(crier, "quiet_until", fail)
    stage.world.go_live()
    stage.run()
    assert stage.messages() == []
    assert stage.voided() == [("live", "it cannot be told: see the journal")]
