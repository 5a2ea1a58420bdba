"""Does whoever listens hear every change once, in order, also after a lost connection?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from hooks_app.api import feed as feed_module
from hooks_app.api.feed import Feed
from hooks_app.history import History, Transition
from hooks_app.states import Trigger
from tests.hooks_app.conftest import World

Moves = Callable[[int], None]


@pytest.fixture
def moves(world: World) -> Moves:
    """Makes so many changes."""
    session = world.ledger.begin("demo", 7)

    def make(count: int) -> None:
        for number in range(count):
            world.ledger.move(session.id, Trigger.STALLED if number % 2 else Trigger.PLAYABLE)

    return make


async def take(changes: AsyncIterator[Transition | None], count: int) -> list[int]:
    """The ids of the next changes."""
    found: list[int] = []
    while len(found) < count:
        change = await asyncio.wait_for(anext(changes), 5)
        found += [change.id] if change else []
    return found


def test_changes_are_heard_as_they_happen(world: World, moves: Moves) -> None:
    async def listen() -> list[int]:
        feed = Feed(History(world.database))
        async with aclosing(feed.follow(None)) as changes:
            first = asyncio.create_task(take(changes, 5))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(moves, 5)
            heard = await first
        await feed.close()
        return heard

    assert asyncio.run(listen()) == [2, 3, 4, 5, 6]


def test_whoever_comes_back_hears_what_was_missed_and_then_what_comes(world: World, moves: Moves) -> None:
    moves(1200)

    async def listen() -> list[int]:
        feed = Feed(History(world.database))
        async with aclosing(feed.follow(100)) as changes:
            heard = await take(changes, 1000)
            # Made while the listener is still behind.
            await asyncio.to_thread(moves, 4)
            heard += await take(changes, 105)
        await feed.close()
        return heard

    assert asyncio.run(listen()) == list(range(101, 1206))


def test_a_listener_that_does_not_listen_is_cut(world: World, moves: Moves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "WAITING", 10)

    async def listen() -> list[int]:
        feed = Feed(History(world.database))
        async with aclosing(feed.follow(None)) as changes:
            first = asyncio.create_task(take(changes, 1))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(moves, 100)
            heard = await first
            await asyncio.sleep(0.5)
            async for change in changes:
                heard += [change.id] if change else []
        await feed.close()
        return heard

    heard = asyncio.run(listen())
    # What it heard has no gap; what it did not hear it asks for with its last id.
    assert heard == list(range(2, len(heard) + 2))
    assert len(heard) < 50


def test_two_hundred_listen_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "CLIENTS", 0)
    answer = world.client.get("/api/v1/feed")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("last", ["x", "-1", "9" * 20])
def test_an_id_that_is_none_is_422(world: World, last: str) -> None:
    assert world.client.get("/api/v1/feed", headers={"Last-Event-ID": last}).status_code == 422


def test_the_stream_of_events_is_as_browsers_read_it(world: World) -> None:
    world.go_live()

    async def read() -> tuple[dict[str, str], str]:
        """The raw answer of the app, until it has said four changes."""
        sent: list[dict[str, Any]] = []
        enough = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if b"".join(one.get("body", b"") for one in sent).count(b"\n\n") >= 3:
                enough.set()

        scope = {
            "type": "http", "method": "GET", "path": "/api/v1/feed", "raw_path": b"/api/v1/feed", "http_version": "1.1",
            "query_string": b"stream=demo&last_event_id=0", "headers": [], "client": ("127.0.0.1", 1), "scheme": "http",
            "server": ("127.0.0.1", 80), "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.3"},
        }  # fmt: skip
        await asyncio.wait_for(world.app(scope, receive, send), 10)  # type: ignore[arg-type]
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return headers, b"".join(one.get("body", b"") for one in sent).decode()

    headers, text = asyncio.run(read())
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    retry, first, *_ = text.split("\n\n")
    assert retry == "retry: 2000"
    number, kind, data = first.split("\n")
    assert (number, kind) == ("id: 1", "event: session")
    document = json.loads(data.removeprefix("data: "))
    assert (document["slug"], document["before"], document["after"]) == ("demo", "offline", "starting")
    assert set(document) == {"id", "at", "slug", "session_id", "event_id", "before", "after"}
