"""Does the public API tell what is on air?"""

from __future__ import annotations

import pytest

from tests.hooks_app.conftest import World


def test_a_stream_that_was_never_on_air_is_offline(world: World) -> None:
    assert world.client.get("/api/v1/streams/demo").json() == {
        "slug": "demo",
        "title": "Demo",
        "state": "offline",
        "since": None,
        "session": None,
        "event": None,
        "next_event": None,
        "fault": None,
        "playlist": "https://live.example.org/streams/demo/index.m3u8",
        "poster": "https://live.example.org/streams/demo/poster.jpg",
        "watch": "https://live.example.org/watch/demo",
        "renditions": ["720p", "480p"],
    }


def test_a_live_stream_tells_its_session_in_utc(world: World) -> None:
    world.publish()
    world.clock.sleep(2)
    world.encode()
    world.app.state.watcher.look()
    answer = world.client.get("/api/v1/streams/demo").json()
    times = {"started_at": "2026-03-01T12:00:00Z", "live_at": "2026-03-01T12:00:02Z", "ended_at": None}
    session = {"id": 1, "protocol": "rtmp", **times}
    assert (answer["state"], answer["since"], answer["session"]) == ("live", "2026-03-01T12:00:02Z", session)


def test_an_ended_stream_tells_when(world: World) -> None:
    world.go_live()
    world.clock.sleep(60)
    world.leave()
    answer = world.client.get("/api/v1/streams/demo").json()
    assert (answer["state"], answer["session"]["ended_at"]) == ("ended", "2026-03-01T12:01:00Z")


def test_an_srt_session_says_so_and_keeps_its_publisher_private(world: World) -> None:
    assert world.call(mode="signed", nonce="n0nce-of-one") == 200
    for path in ("/api/v1/streams/demo", "/api/v1/streams"):
        answer = world.client.get(path).text
        assert '"protocol":"srt"' in answer
        assert [word for word in (world.key_id, "203.0.113.9", "n0nce-of-one", "signed") if word in answer] == []


def test_all_streams_are_listed_in_the_order_of_the_spec(world: World) -> None:
    world.go_live()
    streams = world.client.get("/api/v1/streams").json()["streams"]
    assert [(s["slug"], s["state"]) for s in streams] == [("demo", "live"), ("coffee-and-stocks", "offline")]


@pytest.mark.parametrize("path", ["/api/v1/streams/nope", "/api/v1/streams/demo/", "/nowhere", "/docs"])
def test_an_unknown_address_is_a_problem_document(world: World, path: str) -> None:
    answer = world.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["title"] == "Not Found"


@pytest.mark.parametrize("path", ["/api/v1/streams/nope", "/healthz", "/readyz", "/api/v1/sessions"])
def test_problems_health_and_private_answers_are_not_cached(world: World, path: str) -> None:
    assert world.client.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/v1/live", "/api/v1/streams", "/api/v1/streams/demo", "/api/v1/events"])
def test_a_state_that_has_not_changed_is_a_304(world: World, path: str) -> None:
    first = world.client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = world.client.get(path, headers={"If-None-Match": f'W/{first.headers["etag"]}, "other"'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    world.go_live()
    changed = world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


def test_live_says_what_an_alert_appends(world: World) -> None:
    assert world.client.get("/api/v1/live").json() == {"live": []}
    world.with_streams(reconnect_grace_seconds=30).go_live()
    (on_air,) = world.client.get("/api/v1/live").json()["live"]
    assert on_air == {
        "slug": "demo",
        "title": "Demo",
        "state": "live",
        "live_at": "2026-03-01T12:00:00Z",
        "event_id": 1,
        "playlist": "https://live.example.org/streams/demo/index.m3u8",
        "watch": "https://live.example.org/watch/demo",
        "poster": "https://live.example.org/streams/demo/poster.jpg",
    }
    world.leave()
    assert [one["state"] for one in world.client.get("/api/v1/live").json()["live"]] == ["interrupted"]


def test_without_a_database_the_api_says_so(world: World) -> None:
    world.database.migrate("base")
    answer = world.client.get("/api/v1/streams/demo")
    assert (answer.status_code, answer.json()["title"]) == (503, "Service Unavailable")


def test_the_schema_shows_no_hook_and_documents_every_field(world: World) -> None:
    schema = world.client.get("/api/v1/openapi.json").json()
    assert [path for path in schema["paths"] if not path.startswith("/api/v1/")] == []
    undocumented = [
        f"{name}.{field}"
        for name, model in schema["components"]["schemas"].items()
        for field, about in model.get("properties", {}).items()
        if "description" not in about
    ]
    assert undocumented == []


def test_health_is_only_given_while_the_reconcile_loop_turns(world: World) -> None:
    assert world.client.get("/healthz").status_code == 503
