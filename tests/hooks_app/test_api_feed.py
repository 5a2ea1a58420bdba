"""Does whoever listens hear every change once, in order, also after a lost connection?"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from hooks_app.api import feed as feed_module
from hooks_app.api.feed import BATCH, Feed, Opening, Reset
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


Heard = AsyncIterator[Transition | Reset | None]


async def take(changes: Heard, count: int) -> list[int]:
    """The ids of the next changes."""
    found: list[int] = []
    while len(found) < count:
        change = await asyncio.wait_for(anext(changes), 5)
        found += [change.id] if change else []
    return found


def test_changes_are_heard_as_they_happen(world: World, moves: Moves) -> None:
    async def listen() -> list[int]:
        feed = Feed(History(world.database))
        async with aclosing(feed.follow(await feed.open(None))) as changes:
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
        async with aclosing(feed.follow(await feed.open(100))) as changes:
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
        async with aclosing(feed.follow(await feed.open(None))) as changes:
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


def test_what_happens_between_the_opening_and_the_listening_is_heard(world: World, moves: Moves) -> None:
    """Also by one who is not the first, whose poller has gone on meanwhile."""
    moves(10)

    async def listen() -> list[list[int]]:
        feed, heard = Feed(History(world.database)), []
        async with aclosing(feed.follow(await feed.open(None))) as first:
            waiting = asyncio.create_task(take(first, 20))
            openings = [await feed.open(None), await feed.open(3), await feed.open(11)]
            await asyncio.to_thread(moves, 20)
            heard.append(await waiting)
            for opening in openings:
                async with aclosing(feed.follow(opening)) as changes:
                    heard.append(await take(changes, 31 - opening.seen))
        await feed.close()
        return heard

    heard = asyncio.run(listen())
    assert heard == [[*range(first, 32)] for first in (12, 12, 4, 12)]


def test_whoever_resumes_far_back_hears_more_than_one_batch(world: World, moves: Moves) -> None:
    moves(2 * BATCH)
    text = asyncio.run(read(world, b"last_event_id=0", blocks=2 * BATCH + 2))
    assert re.findall(r"^id: (\d+)$", text, re.MULTILINE) == [str(number) for number in range(1, 2 * BATCH + 2)]


@pytest.mark.parametrize("last, backlog", [(1000, 10_000), (0, 3)])
def test_whoever_cannot_be_told_what_was_missed_is_told_to_start_anew(
    world: World, moves: Moves, monkeypatch: pytest.MonkeyPatch, last: int, backlog: int
) -> None:
    """After a restore the ids begin again; and nobody is told the whole of history."""
    moves(4)
    monkeypatch.setattr(feed_module, "BACKLOG", backlog)

    async def listen() -> tuple[Opening, Any, list[int]]:
        feed = Feed(History(world.database))
        opening = await feed.open(last)
        async with aclosing(feed.follow(opening)) as changes:
            reset = await anext(changes)
            waiting = asyncio.create_task(take(changes, 2))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(moves, 2)
            heard = await waiting
        await feed.close()
        return opening, reset, heard

    opening, reset, heard = asyncio.run(listen())
    assert (opening.missed, reset, heard) == ((), Reset(5), [6, 7])
    text = asyncio.run(read(world, b"last_event_id=%d" % last, blocks=2))
    assert text.split("\n\n")[1] == 'id: 7\nevent: reset\ndata: {"id":7}'


def test_without_a_database_the_feed_is_503_and_nothing_breaks_off(world: World) -> None:
    world.database.migrate("base")
    for query in ("", "?last_event_id=1"):
        answer = world.client.get(f"/api/v1/feed{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_a_database_that_goes_while_somebody_catches_up_ends_the_feed(world: World, moves: Moves) -> None:
    moves(2 * BATCH)

    async def listen() -> list[int]:
        feed = Feed(History(world.database))
        async with aclosing(feed.follow(await feed.open(0))) as changes:
            heard = await take(changes, BATCH)
            await asyncio.to_thread(world.database.migrate, "base")
            heard += [change.id async for change in changes if change]
        await feed.close()
        return heard

    assert asyncio.run(listen()) == list(range(1, BATCH + 1))


def test_two_hundred_listen_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "CLIENTS", 0)
    answer = world.client.get("/api/v1/feed")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("last", ["x", "-1", "9" * 20])
def test_an_id_that_is_none_is_422(world: World, last: str) -> None:
    assert world.client.get("/api/v1/feed", headers={"Last-Event-ID": last}).status_code == 422


async def read(world: World, query: bytes, blocks: int) -> str:
    """The raw answer of the app, its headers first, until it has said so many blocks."""
    sent: list[dict[str, Any]] = []
    enough = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if sum(one.get("body", b"").count(b"\n\n") for one in sent) >= blocks:
            enough.set()

    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/feed", "raw_path": b"/api/v1/feed", "http_version": "1.1",
        "query_string": query, "headers": [], "client": ("127.0.0.1", 1), "scheme": "http",
        "server": ("127.0.0.1", 80), "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.3"},
    }  # fmt: skip
    await asyncio.wait_for(world.app(scope, receive, send), 10)  # type: ignore[arg-type]
    # Whoever listens next has another event loop.
    await world.app.state.feed.close()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    return b"".join(one.get("body", b"") for one in sent).decode()


def test_the_stream_of_events_is_as_browsers_read_it(world: World) -> None:
    world.go_live()
    text = asyncio.run(read(world, b"stream=demo&last_event_id=0", blocks=3))
    retry, first, *_ = text.split("\n\n")
    assert retry == "retry: 2000"
    number, kind, data = first.split("\n")
    assert (number, kind) == ("id: 1", "event: session")
    document = json.loads(data.removeprefix("data: "))
    assert (document["slug"], document["before"], document["after"]) == ("demo", "offline", "starting")
    assert set(document) == {"id", "at", "slug", "session_id", "event_id", "before", "after"}
