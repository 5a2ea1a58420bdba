"""Does nginx-rtmp ever get an answer that it would take for a yes?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from starlette.routing import Route
from starlette.testclient import TestClient

from hooks_app.gate import HookGate
from tests.hooks_app.conftest import World

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "publish"]
HOOKS = ["/hooks", "/hooks/", "/hooks/on_publish", "/hooks/on_publish/", "/hooks/on_publish_done", "/hooks/on_play",
         "/hooks//on_publish", "/hooks/../hooks/on_publish", "/hooks/on_publish/x", "/hooks/%2e%2e/api"]  # fmt: skip


def every_path(app: FastAPI) -> Iterator[str]:
    """The path of every route, and what a slash more or less makes of it."""
    for route in app.router.routes:
        path = getattr(route, "path", "").replace("{slug}", "demo")
        yield from (path, path + "/", path.removesuffix("/"), "/" + path)
    yield from (*HOOKS, "/", "/nowhere", "/api/v1/streams/unknown")


def paths_of(app: FastAPI) -> set[str]:
    """Declared API paths plus the hooks."""
    return {path for path in every_path(app) if path.startswith("/")}


@pytest.mark.parametrize("method", METHODS)
def test_no_route_ever_redirects(world: World, method: str) -> None:
    known = {*paths_of(world.app), *world.app.openapi()["paths"], "/healthz", "/readyz"}
    # It answers for as long as somebody listens (test_api_feed.py).
    known -= {path for path in known if path.rstrip("/").endswith("/feed")}
    for path in known:
        assert not 300 <= world.client.request(method, path).status_code < 400, (method, path)


@pytest.mark.parametrize("method", METHODS)
def test_under_hooks_there_are_three_answers(world: World, method: str) -> None:
    for path in HOOKS:
        assert world.client.request(method, path).status_code in {200, 403, 503}, path


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(METHODS), st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?")))
def test_no_path_under_hooks_gets_another_answer(world: World, method: str, path: str) -> None:
    assert world.client.request(method, f"/hooks/{path}").status_code in {200, 403, 503}


@pytest.mark.parametrize(
    "status", [201, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 405, 422, 429, 500, 502, 504]
)
def test_the_gate_narrows_every_status(status: int) -> None:
    app = FastAPI(redirect_slashes=False)

    @app.get("/hooks/any")
    def answer() -> None:
        raise HTTPException(status, headers={"Location": "rtmp://elsewhere/live"})

    app.add_middleware(HookGate)
    got = TestClient(app, follow_redirects=False).get("/hooks/any")
    assert got.status_code in {403, 503}
    assert "location" not in got.headers


def test_the_gate_turns_a_redirect_into_503() -> None:
    app = FastAPI()
    app.add_middleware(HookGate)
    app.router.routes.append(Route("/hooks/moved", lambda request: RedirectResponse("/elsewhere")))
    assert TestClient(app, follow_redirects=False).get("/hooks/moved").status_code == 503


@pytest.mark.parametrize(
    "fault", [RuntimeError("no"), ValueError("no"), MemoryError(), KeyError("x"), OSError(28, "full")]
)
def test_an_exception_nobody_thought_of_is_a_503(world: World, fault: Exception) -> None:
    def fail(slug: str) -> None:
        raise fault

    world.units.restarted = fail
    assert world.publish() == 503
    assert world.units.calls[-1] == "stop demo"


def test_every_exception_handler_answers_without_redirecting(world: World) -> None:
    for fault in (HTTPException(404), RuntimeError("no"), database_error()):
        handler = next(h for kind, h in reversed(world.app.exception_handlers.items()) if is_kind(fault, kind))
        assert handler(None, fault).status_code >= 400  # type: ignore[arg-type,union-attr]


def database_error() -> Exception:
    """What SQLAlchemy raises when SQLite cannot."""
    return OperationalError("SELECT 1", None, Exception("disk full"))


def is_kind(fault: Exception, kind: object) -> bool:
    """Whether an exception handler is registered for this fault."""
    return isinstance(kind, type) and isinstance(fault, kind)
