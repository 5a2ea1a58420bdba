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
        "playlist": "https://live.example.org/streams/demo/index.m3u8",
        "poster": "https://live.example.org/streams/demo/poster.jpg",
        "renditions": ["720p", "480p"],
    }


def test_a_live_stream_tells_its_session_in_utc(world: World) -> None:
    world.publish()
    world.clock.sleep(2)
    world.encode()
    world.app.state.watcher.look()
    answer = world.client.get("/api/v1/streams/demo").json()
    session = {"id": 1, "started_at": "2026-03-01T12:00:00Z", "live_at": "2026-03-01T12:00:02Z", "ended_at": None}
    assert (answer["state"], answer["since"], answer["session"]) == ("live", "2026-03-01T12:00:02Z", session)


def test_an_ended_stream_tells_when(world: World) -> None:
    world.go_live()
    world.clock.sleep(60)
    world.leave()
    answer = world.client.get("/api/v1/streams/demo").json()
    assert (answer["state"], answer["session"]["ended_at"]) == ("ended", "2026-03-01T12:01:00Z")


def test_all_streams_are_listed_in_the_order_of_the_spec(world: World) -> None:
    world.go_live()
    streams = world.client.get("/api/v1/streams").json()["streams"]
    assert [(s["slug"], s["state"]) for s in streams] == [("demo", "live"), ("coffee-and-stocks", "offline")]


@pytest.mark.parametrize("path", ["/api/v1/streams/nope", "/api/v1/streams/demo/", "/nowhere", "/docs"])
def test_an_unknown_address_is_a_problem_document(world: World, path: str) -> None:
    answer = world.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["title"] == "Not Found"


@pytest.mark.parametrize("path", ["/api/v1/streams", "/api/v1/streams/demo", "/api/v1/streams/nope", "/healthz"])
def test_nothing_of_it_is_cached(world: World, path: str) -> None:
    assert world.client.get(path).headers["cache-control"] == "no-store"


def test_without_a_database_the_api_says_so(world: World) -> None:
    world.database.migrate("base")
    answer = world.client.get("/api/v1/streams/demo")
    assert (answer.status_code, answer.json()["title"]) == (503, "Service Unavailable")


def test_the_schema_shows_the_public_api_and_no_hook(world: World) -> None:
    paths = world.client.get("/api/v1/openapi.json").json()["paths"]
    assert set(paths) == {"/api/v1/streams", "/api/v1/streams/{slug}"}


def test_health_is_only_given_while_the_reconcile_loop_turns(world: World) -> None:
    assert world.client.get("/healthz").status_code == 503
