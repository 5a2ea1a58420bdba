"""Is each occurrence planned once, whatever happens to the clock, the app or the schedule?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hooks_app.announcement_tables import AnnouncementRow
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


def told(world: World) -> list[tuple[str, int | None]]:
    """What is to be told, and of which event."""
    with world.database.read() as db:
        rows = db.query(AnnouncementRow).order_by(AnnouncementRow.id)
        return [(row.occasion, row.event_id) for row in rows]


def test_a_changed_schedule_keeps_its_events_and_tells_nothing_that_is_not_new(
    world: World, schedules: Schedules
) -> None:
    schedule_id = add(world, schedules)
    before, heard = events(world), told(world)
    change(world, schedules, schedule_id, title="Tea", overlays={})
    after = events(world)
    assert [row.id for row in after] == [row.id for row in before]
    assert {(row.title, row.version, row.overlays == {}) for row in after} == {("Tea", 2, True)}
    assert told(world) == heard
    change(world, schedules, schedule_id, title="Tea")
    assert {row.version for row in events(world)} == {2}


@pytest.mark.parametrize(
    "changes", [{"starts_local": "2026-03-02T21:00:00"}, {"time_zone": "Europe/London"}, {"duration_seconds": 7200}]
)
def test_another_time_moves_the_events_that_there_are(
    world: World, schedules: Schedules, changes: dict[str, Any]
) -> None:
    schedule_id = add(world, schedules)
    before, heard = events(world), told(world)
    change(world, schedules, schedule_id, **changes)
    after = events(world)
    assert [row.id for row in after] == [row.id for row in before]
    news = [("moved", row.id) for row in before] if "duration_seconds" not in changes else []
    assert sorted(told(world)[len(heard) :]) == sorted(news)
    moved = timedelta(hours=0 if "duration_seconds" in changes else 1)
    assert {new.starts_at - old.starts_at for new, old in zip(after, before, strict=True)} == {moved}
    assert schedules.round() == 0


def test_events_that_pass_over_one_another_are_moved_all_the_same(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules, starts_local="2026-03-02T00:30:00", duration_seconds=82_800)
    ids = [row.id for row in events(world)]
    change(world, schedules, schedule_id, starts_local="2026-03-02T23:30:00")
    assert [row.id for row in events(world)] == ids


def test_a_move_onto_another_event_is_refused_and_changes_nothing(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    add(world, schedules, starts_local="2026-03-05T22:00:00", rrule=None)
    before = [(row.id, row.starts_at) for row in events(world)]
    with pytest.raises(PlanError, match="demo has event"):
        change(world, schedules, schedule_id, starts_local="2026-03-02T21:30:00")
    assert [(row.id, row.starts_at) for row in events(world)] == before


def test_days_that_a_schedule_drops_are_cancelled_and_only_new_ones_are_new(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules, rrule="FREQ=WEEKLY;BYDAY=MO,WE")
    before, heard = events(world), told(world)
    change(world, schedules, schedule_id, rrule="FREQ=WEEKLY;BYDAY=MO,TH")
    dropped = [row.id for row in before if f"{row.starts_at:%a}" == "Wed"]
    kept = [row.id for row in before if f"{row.starts_at:%a}" == "Mon"]
    assert [row.id for row in events(world, reason="cancelled")] == dropped
    assert [row.id for row in events(world, state="scheduled") if row.id in kept] == kept
    news = told(world)[len(heard) :]
    assert [one for one in news if one[0] == "cancelled"] == [("cancelled", number) for number in dropped]
    assert len([one for one in news if one[0] == "scheduled"]) == len(news) - len(dropped) == 2


def test_an_event_of_today_whose_new_time_is_past_is_cancelled(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules, starts_local="2026-03-01T20:00:00")
    today = events(world)[0].id
    change(world, schedules, schedule_id, starts_local="2026-03-01T08:00:00")
    assert [row.id for row in events(world, reason="cancelled")] == [today]


def test_a_key_for_one_event_is_no_reason_to_refuse_a_change(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    first = events(world)[0]
    key = world.add_key("demo", "guest", gate="events", event_id=first.id)[1]
    change(world, schedules, schedule_id, title="Tea")
    world.clock.sleep((first.starts_at - world.clock.now()).total_seconds())
    assert world.publish(key=key) == 200
    with world.database.write() as db:
        schedules.except_(db, db.get_one(ScheduleRow, schedule_id), "2026-03-03T20:00:00")


def test_an_exception_cancels_its_event_and_the_start_may_come_back(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    wednesday = events(world)[2]
    with world.database.write() as db:
        Events(world.database, world.here).change(db, db.get_one(EventRow, wednesday.id), {"title": "Special"})
        schedules.except_(db, db.get_one(ScheduleRow, schedule_id), "2026-03-04T20:00:00")
    assert [row.id for row in events(world, reason="cancelled")] == [wednesday.id]
    assert told(world)[-1] == ("cancelled", wednesday.id)
    change(world, schedules, schedule_id, exceptions=[])
    again = events(world, occurrence="2026-03-04T20:00:00")
    assert [(row.title, row.state) for row in again] == [("Coffee", "scheduled")]
    assert again[0].id > wednesday.id


@pytest.mark.parametrize("by_hand", ["cancelled", "edited", "excepted"])
def test_what_somebody_decided_for_a_day_outlasts_another_time(
    world: World, schedules: Schedules, by_hand: str
) -> None:
    schedule_id = add(world, schedules)
    planner, first = Events(world.database, world.here), events(world)[0].id
    with world.database.write() as db:
        row = db.get_one(EventRow, first)
        if by_hand == "cancelled":
            planner.cancel(db, row)
        elif by_hand == "edited":
            planner.change(db, row, {"title": "Special"})
        else:
            schedules.except_(db, db.get_one(ScheduleRow, schedule_id), "2026-03-02T20:00:00")
    change(world, schedules, schedule_id, starts_local="2026-03-02T20:30:00")
    of_that_day = [row for row in events(world) if f"{row.starts_at:%d}" == "02"]
    assert [(row.id, f"{row.starts_at:%H:%M}") for row in of_that_day] == [(first, "19:00")]


def test_what_is_on_air_goes_on_as_it_is(world: World, schedules: Schedules) -> None:
    schedule_id = add(world, schedules)
    world.clock.sleep((events(world)[0].starts_at - world.clock.now()).total_seconds())
    world.go_live()
    change(world, schedules, schedule_id, starts_local="2026-03-02T21:00:00", title="Tea")
    first, *others = events(world)
    assert (first.title, first.state, f"{first.starts_at:%H:%M}") == ("Coffee", "live", "19:00")
    assert {f"{row.starts_at:%H:%M}" for row in others} == {"20:00"}


def test_the_number_of_a_removed_event_is_not_used_again(world: World, schedules: Schedules) -> None:
    add(world, schedules, rrule=None)
    with world.database.write() as db:
        removed = db.query(EventRow).one()
        db.delete(removed)
    add(world, schedules, rrule=None)
    assert events(world)[0].id > removed.id


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
    "wrong",
    [
        {"time_zone": "Mars"},
        {"rrule": "FREQ=SECONDLY"},
        {"starts_local": "tomorrow"},
        {"starts_local": "0001-01-01T00:00:00"},
        {"duration_seconds": 10},
    ],
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


def test_a_clock_that_was_ahead_for_a_moment_costs_no_event(world: World, schedules: Schedules) -> None:
    add(world, schedules, starts_local="2026-03-01T13:15:00", duration_seconds=1800, rrule=None)
    planner = Events(world.database, world.here)
    world.clock.step(3600)
    assert planner.miss() == 1
    world.clock.step(-3600)
    planner.miss()
    assert [(row.state, row.reason) for row in events(world)] == [("scheduled", None)]
    assert world.state() == "scheduled"
    world.clock.sleep(3600)
    assert planner.miss() == 1


def test_where_something_else_was_planned_meanwhile_the_missed_event_stays_missed(
    world: World, schedules: Schedules
) -> None:
    when = {"starts_local": "2026-03-01T13:15:00", "duration_seconds": 1800, "rrule": None}
    add(world, schedules, **when)
    planner = Events(world.database, world.here)
    world.clock.step(3600)
    planner.miss()
    world.clock.step(-3600)
    add(world, schedules, **when)
    planner.miss()
    assert [row.state for row in events(world)] == ["ended", "scheduled"]
