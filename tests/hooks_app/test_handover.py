"""Does anything of a stream's old owner last when the stream is removed, or becomes another owner's?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from hooks_app.events import Broadcast, Events
from hooks_app.roles import Role
from hooks_app.schedules import Schedules
from hooks_app.tables import EventRow, ScheduleRow
from tests.hooks_app.conftest import World, stream_facts
from tests.hooks_app.test_api_access import token

Ask = Callable[..., Response]
SHOW = Broadcast(title="Coffee", overlays={}, destinations={})
DAILY = {"starts_local": "2026-03-02T20:00:00", "time_zone": "UTC", "duration_seconds": 3600, "rrule": "FREQ=DAILY"}


def ask(world: World, method: str, path: str, body: Any = None, owner: str | None = None) -> Response:
    """A request of an admin, of one owner if that is given."""
    headers = {"Authorization": f"Bearer {token(world, Role.ADMIN, owner)}", "If-Match": "*"}
    answer: Response = world.client.request(method, f"/api/v1/{path}", json=body, headers=headers)
    return answer


def plan(world: World, slug: str = "demo", owner: str = "alpha") -> None:
    """A daily schedule with its events."""
    with world.database.write() as db:
        Schedules(world.database, world.here).add(db, slug=slug, owner=owner, broadcast=SHOW, **DAILY)


def event_now(world: World, owner: str) -> int:
    """An event of demo that is open now; its id."""
    now = world.clock.now()
    with world.database.write() as db:
        events = Events(world.database, world.here)
        window = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
        return events.add(db, slug="demo", owner=owner, broadcast=SHOW, **window).id


def standing(world: World) -> tuple[set[tuple[str, str | None]], set[bool]]:
    """State and reason of the events; whether the schedules are cancelled."""
    with world.database.read() as db:
        events = {(row.state, row.reason) for row in db.query(EventRow)}
        return events, {row.cancelled_at is not None for row in db.query(ScheduleRow)}


@pytest.fixture
def alpha(world: World) -> World:
    """Every stream is alpha's; demo has a key of alpha's."""
    world.with_streams(owner="alpha")
    world.clock.sleep(60)
    world.key_id, world.key = world.add_key("demo", "of alpha")
    return world


def test_another_owner_in_the_spec_ends_the_keys_and_the_plans_of_the_one_before(alpha: World) -> None:
    plan(alpha)
    alpha.with_streams(owner="beta")
    assert standing(alpha) == ({("ended", "cancelled")}, {True})
    assert alpha.publish() == 403
    entries = ask(alpha, "GET", "audit").json()["items"]
    ended = {one["target"]: (one["action"], one["detail"]["reason"]) for one in entries if one["actor"] == "spec"}
    assert ended[alpha.key_id] == ("key.revoke", "stream has another owner")
    assert ended["1"] == ("schedule.cancel", "stream has another owner")


def test_the_same_owner_again_changes_nothing(alpha: World) -> None:
    plan(alpha)
    before = standing(alpha)
    alpha.with_streams(owner="alpha", title="Another title")
    assert standing(alpha) == before
    assert alpha.publish() == 200


@pytest.mark.parametrize("owner, status", [("alpha", 200), ("beta", 403)])
def test_a_stream_that_comes_back_to_the_spec_has_its_keys_only_with_the_same_owner(
    alpha: World, owner: str, status: int
) -> None:
    plan(alpha)
    demo, other = alpha.facts.streams
    alpha.facts = alpha.facts.model_copy(update={"streams": (other,)})
    alpha.start()
    assert Schedules(alpha.database, alpha.here).round() == 0
    assert standing(alpha) == ({("ended", "cancelled")}, {True})
    assert alpha.publish() == 403
    alpha.facts = alpha.facts.model_copy(update={"streams": (demo.model_copy(update={"owner": owner}), other)})
    alpha.start()
    assert alpha.publish() == status
    assert standing(alpha)[1] == {True}


def test_a_show_on_air_goes_on_to_its_end_and_its_key_ends_with_it(alpha: World) -> None:
    other_key = alpha.add_key("demo", "second", replace=True)[1]
    ours = alpha.with_streams(reconnect_grace_seconds=30)
    ours.key_id, ours.key = alpha.add_key("demo", "third", replace=True)
    ours.go_live()
    ours.with_streams(owner="beta")
    ours.app.state.enforcer.look()
    assert (ours.state(), ours.ingest.dropped) == ("live", [])
    # Its encoder may come back within the grace; nobody else may.
    ours.leave()
    assert ours.publish(client=8, key=other_key) == 403
    assert ours.publish(client=9) == 200
    ours.leave(9)
    ours.rounds(20)
    assert ours.state() == "ended"
    assert ours.publish(client=10) == 403


def test_a_publisher_that_was_found_on_air_is_not_cut_either(alpha: World) -> None:
    alpha.with_streams(reconnect_grace_seconds=30)
    alpha.ingest.publish("demo", 7)
    alpha.ingest.attach("demo")
    alpha.rounds(2)
    assert alpha.sessions()[0].key_id is None
    alpha.with_streams(owner="beta")
    alpha.app.state.enforcer.look()
    assert alpha.ingest.dropped == []
    alpha.leave()
    alpha.rounds(2)
    assert (alpha.state(), alpha.publish(client=8)) == ("ended", 403)


def test_a_key_of_the_new_owner_outlasts_the_old_owner_s_show(alpha: World) -> None:
    alpha.with_streams(reconnect_grace_seconds=30).go_live()
    alpha.clock.sleep(1)
    alpha.with_streams(owner="beta")
    alpha.clock.sleep(1)
    key = alpha.add_key("demo", "of beta")[1]
    alpha.leave()
    assert alpha.publish(client=8, key=key) == 200
    alpha.leave(8)
    alpha.rounds(20)
    assert alpha.publish(client=9, key=key) == 200


def test_an_event_of_the_old_owner_is_not_taken_up_by_the_new_one(alpha: World) -> None:
    event_id = event_now(alpha, "alpha")
    alpha.go_live()
    alpha.leave()
    alpha.clock.sleep(60)
    alpha.with_streams(owner="beta")
    assert alpha.publish(client=8, key=alpha.add_key("demo")[1]) == 200
    (_, session) = alpha.sessions()
    assert (session.owner, session.event_id != event_id) == ("beta", True)


def test_each_owner_sees_its_own_sessions_changes_and_keys(alpha: World) -> None:
    alpha.go_live()
    alpha.leave()
    alpha.clock.sleep(60)
    alpha.with_streams(owner="beta")
    key = alpha.add_key("demo", "of beta")[1]
    assert alpha.publish(client=8, key=key) == 200
    first, second = alpha.sessions()
    assert (first.owner, second.owner) == ("alpha", "beta")
    for owner, own, others in (("alpha", first.id, second.id), ("beta", second.id, first.id)):
        sessions = ask(alpha, "GET", "sessions", owner=owner).json()["items"]
        assert [one["id"] for one in sessions] == [own]
        assert ask(alpha, "GET", f"sessions/{own}", owner=owner).status_code == 200
        assert ask(alpha, "GET", f"sessions/{others}", owner=owner).status_code == 404
        changes = ask(alpha, "GET", "transitions", owner=owner).json()["items"]
        assert {one["session_id"] for one in changes if one["subject"] == "session"} == {own}
        assert {one["subject"] for one in changes} == {"session", "event"}
    keys = ask(alpha, "GET", "keys?stream=demo", owner="beta").json()["items"]
    assert [one["label"] for one in keys] == ["of beta"]
    assert ask(alpha, "POST", f"keys/{alpha.key_id}/revoke", owner="beta").status_code == 404


@pytest.fixture
def pop_up(alpha: World, tmp_path: Path) -> World:
    """A stream of alpha's that was made at run time, with a key and a schedule."""
    (tmp_path / "streams").mkdir()
    alpha.facts = alpha.facts.model_copy(update={"streams_dir": str(tmp_path / "streams")})
    alpha.start()
    assert ask(alpha, "POST", "owners", {"name": "beta", "title": "beta"}).status_code == 201
    new = {"slug": "pop-up", "title": "Pop-up", "owner": "alpha"}
    assert ask(alpha, "POST", "streams", new).status_code == 201
    alpha.key_id, alpha.key = alpha.add_key("pop-up", "of alpha")
    plan(alpha, "pop-up")
    return alpha


@pytest.mark.parametrize("owner", ["alpha", "beta"])
def test_a_removed_stream_does_not_come_back_with_its_keys_and_plans(pop_up: World, owner: str) -> None:
    assert ask(pop_up, "DELETE", "streams/pop-up").status_code == 204
    assert standing(pop_up) == ({("ended", "cancelled")}, {True})
    assert Schedules(pop_up.database, pop_up.here).round() == 0
    again = {"slug": "pop-up", "title": "Pop-up", "owner": owner}
    assert ask(pop_up, "POST", "streams", again).status_code == 201
    assert pop_up.publish(name="pop-up") == 403
    key = pop_up.add_key("pop-up", f"of {owner}")[1]
    assert pop_up.publish(name="pop-up", key=key) == 200


def test_no_event_is_planned_for_a_removed_stream_whatever_its_schedule_says(pop_up: World) -> None:
    ask(pop_up, "DELETE", "streams/pop-up")
    with pop_up.database.write() as db:
        db.query(ScheduleRow).one().cancelled_at = None
    pop_up.clock.sleep(3 * 86_400)
    assert Schedules(pop_up.database, pop_up.here).round() == 0


def test_a_stream_on_air_that_the_spec_declares_from_now_on_is_not_touched(pop_up: World, tmp_path: Path) -> None:
    assert pop_up.publish(name="pop-up") == 200
    declared = stream_facts("pop-up", "Pop-up").model_copy(update={"owner": "alpha"})
    pop_up.facts = pop_up.facts.model_copy(update={"streams": (*pop_up.facts.streams, declared)})
    pop_up.units.calls.clear()
    pop_up.start()
    pop_up.app.state.enforcer.look()
    assert (pop_up.units.calls, pop_up.ingest.dropped, pop_up.state("pop-up")) == ([], [], "starting")
    assert list((tmp_path / "streams").iterdir()) == []


def test_a_stream_on_air_that_is_not_known_any_more_is_finished_when_it_is_off_air(
    pop_up: World, tmp_path: Path
) -> None:
    assert pop_up.publish(name="pop-up") == 200
    file = tmp_path / "streams" / "pop-up"
    # Its ladder has left the spec.
    pop_up.facts = pop_up.facts.model_copy(update={"ladders": ()})
    pop_up.units.calls.clear()
    pop_up.start()
    assert (file.exists(), pop_up.units.calls) == (True, [])
    pop_up.ledger.condemn("pop-up", "test")
    pop_up.ingest.unpublish("pop-up")
    pop_up.rounds(3)
    pop_up.start()
    assert (file.exists(), "finish pop-up" in pop_up.units.calls) == (False, True)
