"""Who may what? Every route of the app, with every kind of token and with none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from httpx2 import Response

from hooks_app.api.access import PREFIX, access_of, check_guarded, routes_of
from hooks_app.api.limits import BODY_BYTES, BURST
from hooks_app.roles import Role
from hooks_app.tables import OwnerRow
from hooks_app.tokens import Tokens
from tests.hooks_app.conftest import World

FEED = f"{PREFIX}/feed"


def routes(app: FastAPI) -> Iterator[tuple[str, str, Role | None]]:
    """Method, path and needed role of every API route, as the app itself has them."""
    for route in routes_of(app.state.routers):
        (needed,) = access_of(route)
        for method in sorted(route.methods):
            yield method, route.path, needed


def fill(path: str) -> str:
    """A path whose parameters name nothing."""
    for name, value in {
        "slug": "nope", "event_id": "999", "schedule_id": "999", "session_id": "999", "key_id": "nope",
        "recording_id": "999", "token_id": "nope", "name": "nope", "start": "2026-03-03T20:00:00",
    }.items():  # fmt: skip
        path = path.replace(f"{{{name}}}", value)
    return path


def ask(world: World, method: str, path: str, token: str | None, **more: Any) -> Response:
    """One request."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer: Response = world.client.request(method, fill(path), headers=headers, **more)
    return answer


def token(world: World, role: Role, owner: str | None = None, **more: Any) -> str:
    """A fresh token."""
    with world.database.write() as db:
        return Tokens(world.database, world.clock).add(db, role=role, label="test", owner=owner, **more)[1]


def test_every_route_of_the_app_is_looked_at_here(world: World) -> None:
    described = world.app.openapi()["paths"].items()
    known = {(method.upper(), path) for path, operations in described for method in operations}
    assert {(method, path) for method, path, _ in routes(world.app)} == known


def test_exactly_these_routes_are_public(world: World) -> None:
    public = {path.removeprefix(PREFIX) for _, path, needed in routes(world.app) if needed is None}
    assert public == {
        "/live", "/streams", "/streams/{slug}", "/streams/{slug}/calendar.ics", "/calendar.ics",
        "/events", "/events/{event_id}", "/feed",
    }  # fmt: skip
    assert {method for method, _, needed in routes(world.app) if needed is None} == {"GET"}


def test_the_description_asks_for_a_token_where_one_is_needed_and_only_there(world: World) -> None:
    described = world.app.openapi()["paths"]
    asks = {(method, path): "security" in described[path][method.lower()] for method, path, _ in routes(world.app)}
    assert asks == {(method, path): needed is not None for method, path, needed in routes(world.app)}


def test_every_problem_is_described_by_its_own_media_type(world: World) -> None:
    document = world.app.openapi()
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {"type", "title", "status", "detail"}
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            problems = {status: said for status, said in operation["responses"].items() if status >= "400"}
            assert problems or not path.startswith(PREFIX)
            for said in problems.values():
                assert said["content"] == {"application/problem+json": reference}, path


def test_without_a_token_nothing_else_is_given(world: World) -> None:
    closed = [(method, path) for method, path, needed in routes(world.app) if needed is not None]
    assert len(closed) >= 30
    for method, path in closed:
        answer = ask(world, method, path, None, json={})
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, "Bearer"), (method, path)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_its_routes_say_and_no_more(world: World, role: Role) -> None:
    text = token(world, role)
    for method, path, needed in routes(world.app):
        if path == FEED:
            continue
        status = ask(world, method, path, text, json={}).status_code
        assert (status == 403) == (needed is not None and not role.may(needed)), (method, path, status)
        assert status != 401


def test_a_token_that_is_none_is_401_even_where_none_is_needed(world: World) -> None:
    good = token(world, Role.ADMIN)
    old = token(world, Role.ADMIN, expires_at=world.clock.now() + timedelta(seconds=5))
    gone = token(world, Role.ADMIN)
    with world.database.write() as db:
        Tokens(world.database, world.clock).revoke(db, gone.split("_")[1])
    world.clock.sleep(6)
    wrong = [good[:-1] + ("A" if good[-1] != "A" else "B"), good.upper(), "hdt_00000000_" + "A" * 43, "x", old, gone]
    for text in wrong:
        assert [ask(world, "GET", f"{PREFIX}/{path}", text).status_code for path in ("live", "whoami")] == [401, 401]
        world.clock.sleep(60)


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "bearer", "token x"])
def test_a_header_that_is_no_bearer_token_is_401(world: World, header: str) -> None:
    assert world.client.get(f"{PREFIX}/live", headers={"Authorization": header}).status_code == 401


def test_who_tries_many_tokens_waits_and_a_good_one_from_the_same_address_does_not(world: World) -> None:
    good = token(world, Role.VIEWER)
    tries = [ask(world, "GET", f"{PREFIX}/whoami", "hdt_00000000_" + "A" * 43) for _ in range(12)]
    assert [answer.status_code for answer in tries] == [401] * 10 + [429] * 2
    assert int(tries[-1].headers["retry-after"]) >= 1
    assert ask(world, "GET", f"{PREFIX}/whoami", good).json()["role"] == "viewer"
    world.clock.sleep(60)
    assert ask(world, "GET", f"{PREFIX}/whoami", "x").status_code == 401


def test_one_address_may_ask_so_often(world: World) -> None:
    statuses = [world.client.get(f"{PREFIX}/streams/nope").status_code for _ in range(BURST + 1)]
    assert (statuses[-2], statuses[-1]) == (404, 429)
    world.clock.sleep(1)
    assert world.client.get(f"{PREFIX}/streams/nope").status_code == 404


def test_a_body_that_is_too_long_is_413_whether_or_not_it_says_so(world: World) -> None:
    text = token(world, Role.ADMIN)
    headers = {"Authorization": f"Bearer {text}", "Content-Type": "application/json"}
    body = b'{"title": "' + b"x" * BODY_BYTES + b'"}'
    assert world.client.post(f"{PREFIX}/events", content=body, headers=headers).status_code == 413
    assert (
        world.client.post(f"{PREFIX}/events", content=iter([body[:100], body[100:]]), headers=headers).status_code
        == 413
    )


def test_a_route_that_does_not_say_who_may_cannot_be() -> None:
    router = APIRouter(prefix=PREFIX)
    router.get("/open")(lambda: None)
    with pytest.raises(RuntimeError, match="does not say who may"):
        check_guarded([router])


def test_no_answer_says_what_was_wrongly_sent(world: World) -> None:
    text = token(world, Role.ADMIN)
    answer = ask(world, "POST", f"{PREFIX}/keys", text, json={"slug": "canary-secret!", "nope": "canary-secret"})
    assert (answer.status_code, "canary" in answer.text) == (422, False)


def test_a_token_is_kept_as_a_hash_and_its_last_use_to_the_minute(world: World) -> None:
    text = token(world, Role.VIEWER)
    tokens = Tokens(world.database, world.clock)
    for _ in range(3):
        assert tokens.caller(text) is not None
        world.clock.sleep(20)
    (row,) = tokens.all()
    assert row.last_used_at is not None
    assert (world.clock.now() - row.last_used_at).total_seconds() == 60
    assert text.split("_", 2)[2].encode() not in row.secret_sha256


@pytest.fixture
def two_owners(world: World) -> World:
    """demo is alpha's, coffee-and-stocks is beta's; each has one of everything."""
    owners = {"demo": "alpha", "coffee-and-stocks": "beta"}
    streams = tuple(stream.model_copy(update={"owner": owners[stream.slug]}) for stream in world.facts.streams)
    world.facts = world.facts.model_copy(update={"streams": streams})
    world.start()
    admin = token(world, Role.ADMIN)
    for slug, owner in owners.items():
        for path, body in (
            ("keys", {"slug": slug, "label": f"of {owner}"}),
            ("events", {"slug": slug, "title": owner, **WINDOW}),
            ("schedules", {"slug": slug, "title": owner, **WHEN}),
            ("destinations", {"name": f"to-{owner}", "kind": "webhook", "owner": owner, "title": owner}),
        ):  # fmt: skip
            assert ask(world, "POST", f"{PREFIX}/{path}", admin, json=body).status_code == 201, path
        world.ledger.begin(slug, 7)
    return world


WINDOW = {"starts_at": "2026-03-02T12:00:00Z", "ends_at": "2026-03-02T13:00:00Z"}
WHEN = {"starts_local": "2026-03-09T12:00:00", "time_zone": "UTC", "duration_seconds": 600}
PRIVATE_LISTS = ("keys", "schedules", "sessions", "transitions", "destinations", "tokens", "owners", "audit")


@pytest.mark.parametrize("path", PRIVATE_LISTS)
def test_an_owner_s_token_lists_nothing_of_another_owner(two_owners: World, path: str) -> None:
    for mine, other, slug in (("alpha", "beta", "coffee-and-stocks"), ("beta", "alpha", "demo")):
        answer = ask(two_owners, "GET", f"{PREFIX}/{path}", token(two_owners, Role.ADMIN, mine))
        assert answer.status_code == 200
        assert (other in answer.text, f'"{slug}"' in answer.text) == (False, False)
        assert answer.json()["items"], path


def test_an_owner_s_token_touches_nothing_of_another_owner(two_owners: World) -> None:
    admin, mine = token(two_owners, Role.ADMIN), token(two_owners, Role.ADMIN, "alpha")
    ids = {}
    for path, name in (("keys", "key_id"), ("schedules", "id"), ("sessions", "id"), ("events", "id")):
        items = ask(two_owners, "GET", f"{PREFIX}/{path}", admin).json()["items"]
        ids[path] = next(item[name] for item in items if item["slug"] == "coffee-and-stocks")
    key, schedule, event, session = ids["keys"], ids["schedules"], ids["events"], ids["sessions"]
    match = {"If-Match": "*"}
    for method, path, body in (
        ("GET", f"schedules/{schedule}", None),
        ("PATCH", f"schedules/{schedule}", {"title": "mine"}),
        ("PUT", f"schedules/{schedule}/exceptions/2026-03-09T12:00:00", None),
        ("DELETE", f"schedules/{schedule}/exceptions/2026-03-09T12:00:00", None),
        ("POST", f"schedules/{schedule}/cancel", None),
        ("PATCH", f"events/{event}", {"title": "mine"}),
        ("POST", f"events/{event}/cancel", None),
        ("DELETE", f"events/{event}", None),
        ("POST", f"keys/{key}/rotate", None),
        ("POST", f"keys/{key}/revoke", None),
        ("GET", f"sessions/{session}", None),
        ("GET", "destinations/to-beta", None),
        ("PATCH", "destinations/to-beta", {"enabled": False}),
        ("DELETE", "destinations/to-beta", None),
        ("POST", "keys", {"slug": "coffee-and-stocks"}),
        ("POST", "streams/coffee-and-stocks/kick", {}),
        ("POST", "streams/coffee-and-stocks/heartbeat", {"status": "live"}),
        ("DELETE", "streams/coffee-and-stocks", None),
        ("POST", "streams", {"slug": "new", "title": "new", "owner": "beta"}),
        ("POST", "tokens", {"role": "viewer", "owner": "beta"}),
        ("POST", "events", {"slug": "coffee-and-stocks", "title": "x", **WINDOW}),
        ("POST", "schedules", {"slug": "coffee-and-stocks", "title": "x", **WHEN}),
        ("POST", "destinations", {"name": "x", "kind": "webhook", "owner": "beta", "title": "x"}),
    ):  # fmt: skip
        headers = {"Authorization": f"Bearer {mine}", **match}
        answer = two_owners.client.request(method, f"{PREFIX}/{path}", json=body, headers=headers)
        assert answer.status_code == 404, (method, path, answer.text)
    assert ask(two_owners, "POST", f"{PREFIX}/owners", mine, json={"name": "x", "title": "x"}).status_code == 403


def test_a_token_with_an_owner_makes_tokens_of_that_owner_only(two_owners: World) -> None:
    mine = token(two_owners, Role.ADMIN, "alpha")
    made = ask(two_owners, "POST", f"{PREFIX}/tokens", mine, json={"role": "admin"}).json()
    assert made["owner"] == "alpha"


def test_the_plan_of_an_event_is_only_for_who_may_see_it(two_owners: World) -> None:
    def plans(text: str | None) -> dict[str, bool]:
        items = ask(two_owners, "GET", f"{PREFIX}/events", text).json()["items"]
        return {item["slug"]: item["plan"] is not None for item in items if item["title"] in {"alpha", "beta"}}

    assert plans(None) == {"demo": False, "coffee-and-stocks": False}
    assert plans(token(two_owners, Role.VIEWER, "alpha")) == {"demo": True, "coffee-and-stocks": False}
    assert plans(token(two_owners, Role.VIEWER)) == {"demo": True, "coffee-and-stocks": True}


def test_the_public_pages_hold_nothing_private(two_owners: World) -> None:
    with two_owners.database.read() as db:
        assert db.get(OwnerRow, "alpha") is not None
    two_owners.ingest.streams.clear()
    keys = [view.key_id for view in two_owners.keys.list()]
    for path in ("live", "streams", "streams/demo", "events", "calendar.ics"):
        text = two_owners.client.get(f"{PREFIX}/{path}").text
        assert [word for word in (*keys, "owner", "peer", "203.0.113.9", "origin-1", "of alpha") if word in text] == []
