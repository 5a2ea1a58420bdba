"""Is each occurrence planned once, whatever happens to the clock, the app or the schedule?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hooks_app.events import Broadcast, Events, PlanError
from hooks_app.recurrence import ScheduleError
from hooks_app.schedules import Schedules
from hooks_app.tables import EventRow, ScheduleRow
from tests.hooks_app.conftest import World

SHOW = Broadcast(title="Coffee", description="Every day", overlays={"lower_third": "Jo"}, destinations={"chat": True})
WHEN = {
    "starts_local": "2026-03-02T20:00:00",
    "time_zone": "Europe/Berlin",
    "duration_seconds": 3600,
    "rrule": "FREQ=DAILY",
}


@pytest.fixture
def schedules(world: World) -> Schedules:
    return Schedules(world.database, world.here)


def add(world: World, schedules: Schedules, **when: Any) -> int:
    """A schedule of the stream demo; its id."""
    with world.database.write() as db:
        row = schedules.add(db, slug="demo", owner="site", broadcast=SHOW, **{**WHEN, **when})
        return row.id


def change(world: World, schedules: Schedules, schedule_id: int, **changes: Any) -> None:
    """Change a schedule."""
    with world.database.write() as db:
        schedules.change(db, db.get_one(ScheduleRow, schedule_id), changes)


def events(world: World, **wanted: Any) -> list[EventRow]:
    """Events in the order of their start."""
    with world.database.read() as db:
        return list(db.query(EventRow).filter_by(**wanted).order_by(EventRow.starts_at))


def test_two_weeks_are_planned_at_once(world: World, schedules: Schedules) -> None:
    add(world, schedules)
    rows = events(world)
    assert len(rows) == 13
    assert [f"{row.starts_at:%d %H:%M}" for row in rows[:2]] == ["02 19:00", "03 19:00"]
    assert {(row.title, row.state, row.overlays["lower_third"]) for row in rows} == {("Coffee", "scheduled", "Jo")}


def test_each_day_brings_one_more_and_none_twice(world: World, schedules: Schedules) -> None:
    add(world, schedules)
    for _ in range(5):
        world.clock.sleep(86400)
        assert (schedules.round(), schedules.round()) == (1, 0)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_of_the_clock_and_a_restart_plan_nothing_twice(world: World, schedules: Schedules, step: float) -> None:
    add(world, schedules)
    world.clock.step(step)
    Schedules(world.database, world.here).round()
    world.clock.step(-step)
    Schedules(world.database, world.here).round()
    rows = events(world)
    assert len(rows) == len({row.occurrence for row in rows})


def test_over_the_change_of_the_clocks_it_stays_twenty_hundred(world: World, schedules: Schedules) -> None:
    add(world, schedules, starts_local="2026-03-27T20:00:00")
    world.clock.sleep(20 * 86400)
    schedules.round()
    assert [f"{row.starts_at:%d %H:%M}" for row in events(world)][:4] == [
        "27 19:00",
        "28 19:00",
        "29 18:00",
        "30 18:00",
    ]


def test_a_change_moves_what_nobody_touched(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    touched = events(world)[2]
    with world.database.write() as db:
        Events(world.database, world.here).change(db, db.get_one(EventRow, touched.id), {"title": "Special"})
    change(world, schedules, schedule_id, title="Tea", duration_seconds=1800)
    rows = events(world)
    assert [row.title for row in rows[:4]] == ["Tea", "Tea", "Special", "Tea"]
    assert rows[0].ends_at is not None
    assert rows[0].ends_at - rows[0].starts_at == timedelta(minutes=30)
    assert len(rows) == 13


def test_an_exception_is_taken_out_and_stays_out(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    with world.database.write() as db:
        schedules.except_(db, db.get_one(ScheduleRow, schedule_id), "2026-03-03T20:00:00")
    schedules.round()
    assert "2026-03-03T20:00:00" not in {row.occurrence for row in events(world)}


def test_a_cancelled_occurrence_is_not_planned_again(world: World, schedules: Schedules) -> None:
    add(world, schedules)
    with world.database.write() as db:
        row = db.get_one(EventRow, events(world)[0].id)
        assert Events(world.database, world.here).cancel(db, row)
    schedules.round()
    first, *others = events(world)
    assert (first.state, first.reason, len(others)) == ("ended", "cancelled", 12)


def test_a_cancelled_schedule_plans_nothing_more(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    with world.database.write() as db:
        schedules.cancel(db, db.get_one(ScheduleRow, schedule_id))
    world.clock.sleep(5 * 86400)
    assert schedules.round() == 0
    assert {(row.state, row.reason) for row in events(world)} == {("ended", "cancelled")}


def test_two_hosts_plan_each_occurrence_once(world: World, schedules: Schedules) -> None:
    add(world, schedules)
    other = Schedules(world.database, world.second_host().here)
    world.clock.sleep(86400)
    assert sorted([schedules.round(), other.round()]) == [0, 1]


@pytest.mark.parametrize(
    "wrong", [{"time_zone": "Mars"}, {"rrule": "FREQ=SECONDLY"}, {"starts_local": "tomorrow"}, {"duration_seconds": 10}]
)
def test_a_schedule_that_cannot_be_leaves_nothing(world: World, schedules: Schedules, wrong: dict[str, Any]) -> None:
    with pytest.raises((ScheduleError, PlanError)):
        add(world, schedules, **wrong)
    assert events(world) == []


def test_a_schedule_that_collides_with_an_event_is_refused(world: World, schedules: Schedules) -> None:
    add(world, schedules)
    with pytest.raises(PlanError, match="demo has event"):
        add(world, schedules, starts_local="2026-03-02T20:30:00")


def test_a_collision_that_comes_later_costs_one_event_only(world: World, schedules: Schedules) -> None:
    add(world, schedules, starts_local="2026-03-20T20:30:00", rrule=None)
    add(world, schedules)
    with world.database.read() as db:
        first = db.query(ScheduleRow).order_by(ScheduleRow.id).first()
    assert first is not None
    world.clock.sleep(6 * 86400)
    schedules.round()
    # Who was planned first has the evening.
    assert len([row for row in events(world) if f"{row.starts_at:%d}" == "20"]) == 1


def test_an_event_that_nobody_came_to_is_missed(world: World, schedules: Schedules) -> None:
    add(world, schedules, rrule=None)
    world.clock.sleep(2 * 86400)
    planner = Events(world.database, world.here)
    assert (planner.miss(), planner.miss()) == (1, 0)
    assert [(row.state, row.reason) for row in events(world)] == [("ended", "missed")]
