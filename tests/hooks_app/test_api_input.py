"""Is what no database could keep a clear no, on either of them?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from hooks_app.api.access import PREFIX
from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.test_api_access import FEED, fill, routes, token

NUMBERS = ("0", "-1", str(2**31), str(2**63), "-99999999999999999999", "9" * 300)
CONTROLS = ("\x00", "\x1b[2J", "\x7f", "\x9b", "\ud800")


def numbered(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every route with a number in its path."""
    for method, path, _ in routes(app):
        if "_id}" in path and not re.search(r"\{(key|token)_id\}", path) and path.startswith(PREFIX):
            yield method, path


def send(world: World, text: str, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, str]:
    """Status and sentence of an answer, to an admin."""
    headers = {"Authorization": f"Bearer {text}", "If-Match": "*", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body)
    answer = world.client.request(method, path + query, content=content, headers=headers)
    return answer.status_code, answer.json().get("detail", "")


def test_a_number_that_no_row_can_have_is_422_everywhere(world: World) -> None:
    text = token(world, Role.ADMIN)
    asked = list(numbered(world.app))
    assert len(asked) >= 14
    for method, path in asked:
        for number in NUMBERS:
            wrong = fill(re.sub(r"\{\w+_id\}", number, path))
            status, detail = send(world, text, method, wrong, {})
            assert (status, re.search(r"_id: |number", detail) is not None) == (422, True), (method, wrong, detail)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_character_in_a_body_is_422_and_not_said_again(world: World, control: str) -> None:
    text, window = token(world, Role.ADMIN), {"starts_at": "2026-03-02T12:00:00Z", "ends_at": "2026-03-02T13:00:00Z"}
    odd = f"a{control}b"
    for path, body, field in (
        ("events", {"slug": "demo", "title": odd, **window}, "title"),
        ("events", {"slug": "demo", "title": "x", "description": odd, **window}, "description"),
        ("events", {"slug": "demo", "title": "x", "overlays": {"lower": odd}, **window}, "overlays"),
        ("keys", {"slug": "demo", "label": odd}, "label"),
        ("tokens", {"role": "viewer", "label": odd}, "label"),
        ("owners", {"name": "news", "title": odd}, "title"),
        ("streams", {"slug": "new", "title": odd}, "title"),
        ("streams/demo/kick", {"reason": odd}, "reason"),
        ("destinations", {"name": "x", "kind": "webhook", "title": "x", "settings": {"a": odd}}, "settings"),
        ("destinations", {"name": "x", "kind": "webhook", "title": "x", "settings": {odd: "a"}}, "settings"),
    ):
        said = send(world, text, "POST", f"{PREFIX}/{path}", body)
        assert said == (422, f"{field}: Value error, holds a control character."), (path, body)


def test_lines_and_tabs_are_text(world: World) -> None:
    body = {"slug": "demo", "title": "x", "description": "one\n\ttwo", "starts_at": "2026-03-02T12:00:00Z"}
    text = token(world, Role.ADMIN)
    assert send(world, text, "POST", f"{PREFIX}/events", {**body, "ends_at": "2026-03-02T13:00:00Z"})[0] == 201


@pytest.mark.parametrize("control", ["%00", "%1B", "%C2%9B"])
def test_a_control_character_in_an_address_is_422_and_asks_no_database(world: World, control: str) -> None:
    text = token(world, Role.ADMIN)
    for method, path, _ in routes(world.app):
        if path != FEED and re.search(r"\{(slug|key_id|token_id|name|start)\}", path):
            wrong = fill(re.sub(r"\{(slug|key_id|token_id|name|start)\}", f"a{control}b", path))
            assert send(world, text, method, wrong, {})[0] == 422, (method, wrong)
    for query in (f"?stream=a{control}b", f"?a{control}b=1", f"?nobody=a{control}"):
        assert send(world, text, "GET", f"{PREFIX}/sessions", query=query)[0] == 422


def test_without_a_token_it_is_401_all_the_same(world: World) -> None:
    assert world.client.post(f"{PREFIX}/keys/a%00b/revoke").status_code == 401
    assert world.client.get(f"{PREFIX}/sessions/-99999999999999999999").status_code == 401
