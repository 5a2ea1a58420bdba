"""Can a broadcast be planned, changed, cancelled and subscribed to over the API?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import icalendar
import pytest
from httpx2 import Response

from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.test_api_access import token

Ask = Callable[..., Response]
EVENT = {
    "slug": "demo",
    "title": "Coffee",
    "description": "With milk, and; a semicolon\nand a line",
    "starts_at": "2026-03-02T20:00:00+01:00",
    "ends_at": "2026-03-02T21:00:00+01:00",
    "overlays": {"lower_third": "Jo, trader"},
    "destinations": {"chat": True},
}
SCHEDULE = {
    "slug": "demo",
    "title": "Daily",
    "starts_local": "2026-03-02T20:00:00",
    "time_zone": "Europe/Berlin",
    "duration_seconds": 3600,
    "rrule": "FREQ=DAILY",
}


@pytest.fixture
def ask(world: World) -> Ask:
    """A request of a scheduler."""
    headers = {"Authorization": f"Bearer {token(world, Role.SCHEDULER)}"}

    def request(method: str, path: str, body: Any = None, match: str | None = None) -> Response:
        more = {"If-Match": match} if match else {}
        answer: Response = world.client.request(method, f"/api/v1/{path}", json=body, headers={**headers, **more})
        return answer

    return request


def test_an_event_is_planned_and_its_stream_says_so(world: World, ask: Ask) -> None:
    made = ask("POST", "events", EVENT)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.json()["starts_at"] == "2026-03-02T19:00:00Z"
    assert made.json()["plan"]["overlays"] == {"lower_third": "Jo, trader"}
    stream = world.client.get("/api/v1/streams/demo").json()
    assert (stream["state"], stream["next_event"]["title"], stream["next_event"]["plan"]) == (
        "scheduled",
        "Coffee",
        None,
    )


def test_a_stream_goes_from_scheduled_over_live_to_ended(world: World, ask: Ask) -> None:
    ask("POST", "events", {**EVENT, "starts_at": "2026-03-01T12:05:00Z", "ends_at": "2026-03-01T13:00:00Z"})
    states = [world.state()]
    world.go_live()
    states.append(world.state())
    assert world.client.get("/api/v1/streams/demo").json()["event"]["title"] == "Coffee"
    world.leave()
    states.append(world.state())
    assert states == ["scheduled", "live", "ended"]


def test_a_change_needs_the_version_that_was_read(ask: Ask) -> None:
    event_id = ask("POST", "events", EVENT).json()["id"]
    assert ask("PATCH", f"events/{event_id}", {"title": "Tea"}).status_code == 428
    changed = ask("PATCH", f"events/{event_id}", {"title": "Tea"}, match='"1"')
    assert (changed.json()["title"], changed.headers["etag"]) == ("Tea", '"2"')
    assert ask("PATCH", f"events/{event_id}", {"title": "Milk"}, match='"1"').status_code == 412
    assert ask("GET", f"events/{event_id}").json()["title"] == "Tea"


@pytest.mark.parametrize(
    "changes, status, sentence",
    [
        ({"ends_at": "2026-03-02T18:00:00Z"}, 409, "ends_at is not after starts_at"),
        ({"title": None}, 422, "title: may be left out, but not be null"),
        ({"state": "live"}, 422, "state: Extra inputs are not permitted"),
        ({"starts_at": "2026-03-02T20:00:00"}, 422, "starts_at: Input should have timezone info"),
        ({"poster_url": "javascript:alert(1)"}, 422, "poster_url"),
        ({"overlays": {"a b": "x"}}, 422, "overlays"),
    ],
)
def test_a_change_that_cannot_be_has_a_sentence(ask: Ask, changes: dict[str, Any], status: int, sentence: str) -> None:
    event_id = ask("POST", "events", EVENT).json()["id"]
    answer = ask("PATCH", f"events/{event_id}", changes, match="*")
    assert (answer.status_code, sentence in answer.json()["detail"]) == (status, True), answer.json()


def test_two_events_at_once_are_refused(ask: Ask) -> None:
    ask("POST", "events", EVENT)
    answer = ask("POST", "events", EVENT)
    assert (answer.status_code, "demo has event 1" in answer.json()["detail"]) == (409, True)


def test_a_cancelled_event_can_be_removed_and_no_other(ask: Ask) -> None:
    event_id = ask("POST", "events", EVENT).json()["id"]
    assert ask("DELETE", f"events/{event_id}", match="*").status_code == 409
    assert ask("POST", f"events/{event_id}/cancel").json()["plan"]["reason"] == "cancelled"
    assert ask("POST", f"events/{event_id}/cancel").status_code == 200
    assert ask("DELETE", f"events/{event_id}", match="*").status_code == 204
    assert ask("GET", f"events/{event_id}").status_code == 404


def test_pages_hold_every_event_once(ask: Ask) -> None:
    for day in range(1, 8):
        window = {"starts_at": f"2026-04-0{day}T12:00:00Z", "ends_at": f"2026-04-0{day}T13:00:00Z"}
        assert ask("POST", "events", {**EVENT, **window}).status_code == 201
    seen, cursor = [], ""
    while True:
        answer = ask("GET", f"events?limit=3{cursor}").json()
        seen += [item["id"] for item in answer["items"]]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert [len(ask("GET", f"events?{query}").json()["items"]) for query in (
        "state=scheduled", "state=live", "stream=demo", "stream=coffee-and-stocks", "starts_after=2026-04-06T00:00:00Z",
    )] == [7, 0, 7, 0, 2]  # fmt: skip


@pytest.mark.parametrize("query", ["cursor=!!", "cursor=eA", "limit=0", "limit=201", "state=nope", "starts_after=x"])
def test_a_question_that_is_none_is_422(ask: Ask, query: str) -> None:
    assert ask("GET", f"events?{query}").status_code == 422


def test_a_schedule_makes_events_and_an_exception_takes_one_out(ask: Ask) -> None:
    made = ask("POST", "schedules", SCHEDULE).json()
    assert len(ask("GET", "events?limit=200").json()["items"]) == 13
    path = f"schedules/{made['id']}/exceptions/2026-03-03T20:00:00"
    assert ask("PUT", path, match='"1"').json()["exceptions"] == ["2026-03-03T20:00:00"]
    assert len(ask("GET", "events?limit=200&state=scheduled").json()["items"]) == 12
    (excepted,) = ask("GET", "events?limit=200&state=ended").json()["items"]
    assert (excepted["starts_at"], excepted["plan"]["reason"]) == ("2026-03-03T19:00:00Z", "cancelled")
    assert ask("DELETE", path, match='"2"').json()["exceptions"] == []
    assert len(ask("GET", "events?limit=200&state=scheduled").json()["items"]) == 13
    cancelled = ask("POST", f"schedules/{made['id']}/cancel").json()
    assert cancelled["cancelled_at"] == "2026-03-01T12:00:00Z"
    assert ask("PATCH", f"schedules/{made['id']}", {"title": "x"}, match="*").status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"rrule": "FREQ=SECONDLY"},
        {"rrule": "FREQ=DAILY;COUNT=9999"},
        {"rrule": "FREQ=DAILY;COUNT"},
        {"time_zone": "Mars"},
        {"duration_seconds": 5},
        {"starts_local": "0001-01-01T00:00:00"},
        {"starts_local": "9999-12-31T23:59:59"},
    ],
)
def test_a_schedule_that_cannot_be_is_422(ask: Ask, wrong: dict[str, Any]) -> None:
    assert ask("POST", "schedules", {**SCHEDULE, **wrong}).status_code == 422
    ask("POST", "schedules", SCHEDULE)
    assert ask("PATCH", "schedules/1", wrong, match="*").status_code == 422


def test_an_exception_that_is_no_day_is_422(ask: Ask) -> None:
    ask("POST", "schedules", SCHEDULE)
    assert ask("PUT", "schedules/1/exceptions/2026-02-30T20:00:00", match="*").status_code == 422


def test_the_calendar_says_that_a_day_was_dropped_and_that_another_was_moved(world: World, ask: Ask) -> None:
    ask("POST", "schedules", {**SCHEDULE, "rrule": "FREQ=DAILY;COUNT=2"})
    ask("PUT", "schedules/1/exceptions/2026-03-03T20:00:00", match="*")
    ask("PATCH", "schedules/1", {"starts_local": "2026-03-02T21:00:00"}, match="*")
    feed = icalendar.Calendar.from_ical(world.client.get("/api/v1/calendar.ics").content)
    shown = {str(one["uid"])[:7]: (str(one["status"]), one["sequence"]) for one in feed.walk("VEVENT")}
    assert shown["event-1"] == ("CONFIRMED", 1)
    assert shown["event-2"] == ("CANCELLED", 1)


def test_the_calendar_is_one_that_other_programs_read(world: World, ask: Ask) -> None:
    event_id = ask("POST", "events", EVENT).json()["id"]
    ask("PATCH", f"events/{event_id}", {"title": "Ünïcode " * 12}, match="*")
    for path in ("calendar.ics", "streams/demo/calendar.ics"):
        answer = world.client.get(f"/api/v1/{path}")
        assert answer.headers["content-type"].startswith("text/calendar")
        assert max(len(line) for line in answer.content.split(b"\r\n")) <= 75
        (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
        assert (str(event["uid"]), event["sequence"]) == ("event-1@live.example.org", 1)
        assert str(event["description"]) == EVENT["description"]
        assert f"{event['dtstart'].dt:%Y-%m-%dT%H:%M:%S%z}" == "2026-03-02T19:00:00+0000"
        assert str(event["url"]) == "https://live.example.org/watch/demo"
    assert world.client.get("/api/v1/streams/coffee-and-stocks/calendar.ics").content.count(b"VEVENT") == 0
    ask("POST", f"events/{event_id}/cancel")
    assert b"STATUS:CANCELLED" in world.client.get("/api/v1/calendar.ics").content


def test_what_was_changed_is_in_the_audit(world: World, ask: Ask) -> None:
    event_id = ask("POST", "events", EVENT).json()["id"]
    ask("PATCH", f"events/{event_id}", {"title": "Tea"}, match="*")
    headers = {"Authorization": f"Bearer {token(world, Role.ADMIN)}"}
    entries = world.client.get("/api/v1/audit", headers=headers).json()["items"]
    assert [(one["action"], one["target"], one["detail"]) for one in entries] == [
        ("event.change", "1", {"fields": ["title"]}),
        ("event.add", "1", {}),
    ]
    assert {one["actor"].partition(":")[0] for one in entries} == {"token"}
