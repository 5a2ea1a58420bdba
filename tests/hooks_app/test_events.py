"""Does a publisher meet the event that was planned for it, and does the event go where its session goes?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from hooks_app.events import Broadcast, Events, PlanError
from hooks_app.tables import EventRow, TransitionRow
from tests.hooks_app.conftest import World

SHOW = Broadcast(title="Coffee", overlays={}, destinations={})


@pytest.fixture
def events(world: World) -> Events:
    return Events(world.database, world.here)


def plan(world: World, start_minutes: float, minutes: float = 60, slug: str = "demo") -> int:
    """An event that starts so long from now; its id."""
    starts_at = world.clock.now() + timedelta(minutes=start_minutes)
    with world.database.write() as db:
        row = Events(world.database, world.here).add(
            db,
            slug=slug,
            owner="site",
            broadcast=SHOW,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
        )
        return row.id


def event(world: World, event_id: int) -> EventRow:
    """As it is now."""
    with world.database.read() as db:
        return db.get_one(EventRow, event_id)


def rows(world: World) -> list[EventRow]:
    """Every event."""
    with world.database.read() as db:
        return list(db.query(EventRow).order_by(EventRow.id))


def test_a_publisher_without_a_plan_makes_an_event_that_lasts_as_long_as_the_session(world: World) -> None:
    world.go_live()
    (row,) = rows(world)
    assert (row.ad_hoc, row.title, row.state, row.ends_at) == (True, "Demo", "live", None)
    world.leave()
    (row,) = rows(world)
    assert (row.state, row.reason, row.ends_at) == ("ended", "publisher left", world.clock.now())


def test_the_site_may_want_no_such_events(world: World) -> None:
    world.with_streams(ad_hoc_events=False).go_live()
    assert (rows(world), world.state()) == ([], "live")


def test_a_publisher_who_comes_early_meets_the_planned_event(world: World) -> None:
    event_id = plan(world, 14)
    world.go_live()
    assert event(world, event_id).state == "live"
    assert world.sessions()[0].event_id == event_id
    assert len(rows(world)) == 1


def test_a_publisher_who_comes_far_too_early_makes_an_event_of_its_own(world: World) -> None:
    event_id = plan(world, 16)
    world.go_live()
    assert (event(world, event_id).state, len(rows(world))) == ("scheduled", 2)


def test_of_two_events_the_nearer_start_is_met(world: World) -> None:
    plan(world, 1, minutes=5)
    near = plan(world, 6)
    world.clock.sleep(300)
    world.go_live()
    assert event(world, near).state == "live"


def test_an_event_goes_where_its_session_goes(world: World) -> None:
    event_id = plan(world, 5)
    world.with_streams(reconnect_grace_seconds=30).go_live()
    world.leave()
    world.publish(client=8)
    world.rounds(1)
    world.encode()
    world.app.state.watcher.look()
    world.leave(8)
    world.rounds(18)
    with world.database.read() as db:
        moves = [row.after for row in db.query(TransitionRow).filter_by(event_id=event_id, subject="event")]
    assert moves == ["starting", "live", "interrupted", "interrupted", "live", "interrupted", "ended"]


def test_an_event_that_ended_takes_another_session_while_its_window_is_open(world: World) -> None:
    event_id = plan(world, 0)
    world.go_live()
    world.leave()
    assert event(world, event_id).state == "ended"
    world.clock.sleep(60)
    assert world.publish(client=8) == 200
    assert (event(world, event_id).state, len(rows(world))) == ("starting", 1)


def test_a_cancelled_event_is_not_met(world: World, events: Events) -> None:
    event_id = plan(world, 5)
    with world.database.write() as db:
        assert events.cancel(db, db.get_one(EventRow, event_id))
    world.go_live()
    assert (event(world, event_id).reason, rows(world)[-1].ad_hoc) == ("cancelled", True)


def test_what_is_on_air_cannot_be_cancelled(world: World, events: Events) -> None:
    event_id = plan(world, 5)
    world.go_live()
    with world.database.write() as db:
        assert not events.cancel(db, db.get_one(EventRow, event_id))


def test_an_attempt_that_failed_leaves_the_event_planned(world: World) -> None:
    event_id = plan(world, 5)
    world.units.restarted = lambda slug: None
    assert world.publish() == 503
    assert event(world, event_id).state == "scheduled"


@pytest.mark.parametrize("start, minutes, sentence", [
    (0, 0, "not after"),
    (0, -5, "not after"),
    (0, 60 * 24 * 15, "longer than 14 days"),
    (-90, 60, "over already"),
    (30, 60, "demo has event"),
    (-5, 15, "demo has event"),
])  # fmt: skip
def test_a_window_that_cannot_be_has_a_sentence(world: World, start: float, minutes: float, sentence: str) -> None:
    plan(world, 5)
    with pytest.raises(PlanError, match=sentence):
        plan(world, start, minutes)


def test_events_may_touch_and_streams_do_not_mind_each_other(world: World) -> None:
    plan(world, 5)
    plan(world, 65)
    plan(world, 5, slug="coffee-and-stocks")


def test_a_change_counts_its_version(world: World, events: Events) -> None:
    event_id = plan(world, 5)
    with world.database.write() as db:
        events.change(db, db.get_one(EventRow, event_id), {"title": "Tea"})
    assert (event(world, event_id).title, event(world, event_id).version) == ("Tea", 2)


def test_the_time_of_what_is_over_does_not_change(world: World, events: Events) -> None:
    event_id = plan(world, 5)
    with world.database.write() as db:
        row = db.get_one(EventRow, event_id)
        events.cancel(db, row)
        with pytest.raises(PlanError, match="is over"):
            events.change(db, row, {"starts_at": world.clock.now()})


def gated(world: World, **more: Any) -> str:
    """A key that lets in only around events."""
    return world.add_key("demo", "guest", gate="events", **more)[1]


def test_a_key_for_events_lets_in_from_the_lead_to_the_end_and_not_else(world: World) -> None:
    key = gated(world)
    plan(world, 20, minutes=10)
    assert world.publish(key=key) == 403
    world.clock.sleep(6 * 60)
    assert world.publish(key=key) == 200
    world.leave()
    world.clock.sleep(40 * 60)
    assert world.publish(key=key) == 403


def test_a_key_for_one_event_does_not_open_another(world: World) -> None:
    first, second = plan(world, 5, minutes=10), plan(world, 20)
    assert world.publish(key=gated(world, event_id=second)) == 403
    world.revoke_key(world.key_id)
    assert world.publish(key=gated(world, event_id=first)) == 200


def test_a_key_for_events_comes_back_to_an_interrupted_show_that_runs_late(world: World) -> None:
    key = gated(world)
    plan(world, 0, minutes=10)
    world.with_streams(reconnect_grace_seconds=30)
    assert world.publish(key=key) == 200
    world.encode()
    world.app.state.watcher.look()
    world.clock.sleep(11 * 60)
    world.leave()
    assert world.publish(client=8, key=key) == 200


@pytest.mark.parametrize("for_one", [True, False])
def test_a_key_for_events_is_not_refused_while_its_show_is_on_air(world: World, events: Events, for_one: bool) -> None:
    event_id = plan(world, 0, minutes=10)
    key = gated(world, event_id=event_id if for_one else None)
    world.with_streams(reconnect_grace_seconds=30)
    assert world.publish(key=key) == 200
    world.clock.sleep(11 * 60)
    # The encoder is back before anybody has noticed that it was gone.
    for state in ("starting", "live"):
        assert event(world, event_id).state == state
        assert events.window_open("demo", world.clock.now(), 0, event_id=event_id if for_one else None)
        world.encode()
        world.app.state.watcher.look()
    world.leave()
    assert event(world, event_id).state == "interrupted"
    assert world.publish(client=8, key=key) == 200


def test_a_show_without_a_plan_is_no_window_for_a_key_for_events(world: World) -> None:
    world.with_streams(reconnect_grace_seconds=30).go_live()
    world.leave()
    assert world.publish(client=8, key=gated(world)) == 403


def test_srt_callers_are_gated_too(world: World) -> None:
    key_id, _ = world.add_key("demo", "guest", gate="events")
    assert world.call(key_id=key_id) == 403
    plan(world, 0)
    assert world.call(key_id=key_id) == 200


def test_a_planned_start_is_kept_to_the_microsecond_and_in_utc(world: World) -> None:
    starts: datetime = event(world, plan(world, 5)).starts_at
    assert starts == world.clock.now() + timedelta(minutes=5)
    assert starts.utcoffset() == timedelta(0)
