"""Is every answer of the API one that its description says, whatever is asked, with a token and without?"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Response
from schemathesis.checks import CheckFunction, load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hooks_app.loop import Loop
from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.test_api_access import FEED, access_of, routes_of, token

load_all_checks()
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _rounds_keep_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock leaps a minute with each question; no loop could have looked meanwhile."""
    monkeypatch.setattr(Loop, "silent_seconds", lambda _self: 0.0)


def ask_everything(world: World, headers: dict[str, str], look: Callable[[schemathesis.Case, Response], None]) -> None:
    """Every operation with what its description allows and, of that, the odd; each answer is checked against it."""
    # The feed answers for as long as somebody listens.
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", world.app).exclude(path=FEED)
    for operation in described.get_all_operations():

        @EXAMPLES
        @given(operation.ok().as_strategy())
        def ask(case: schemathesis.Case) -> None:
            world.clock.sleep(60)
            look(case, case.call_and_validate(checks=CHECKS, headers=headers))

        ask()


def test_nothing_is_admitted_without_a_token(world: World) -> None:
    world.go_live()
    routes = routes_of(world.app.state.routers)
    public = {(method, route.path) for route in routes for method in route.methods if access_of(route) == [None]}

    def look(case: schemathesis.Case, answer: Response) -> None:
        if (case.method.upper(), case.path) not in public:
            assert answer.status_code in {401, 413}, (case.method, case.path, answer.status_code)

    ask_everything(world, {}, look)


def test_an_admin_s_questions_have_the_answers_that_are_described(world: World) -> None:
    world.go_live()
    statuses: set[int] = set()
    headers = {"Authorization": f"Bearer {token(world, Role.ADMIN)}"}
    ask_everything(world, headers, lambda _case, answer: statuses.add(answer.status_code))
    assert {200, 201, 404, 409, 422} <= statuses
