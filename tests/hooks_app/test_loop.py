"""Does a loop go on whatever a round meets, say it once, and know how long nothing has come of it?"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hooks_app import app as hook_app
from hooks_app import loop as loops
from hooks_app.app import PATIENCE_SECONDS, _reconcile_step
from hooks_app.clock import SystemClock
from hooks_app.logs import configure
from hooks_app.loop import Loop
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import FakeClock
from tests.support.processes import until

FULL = OperationalError("UPDATE host", {}, Exception("database or disk is full"))


@pytest.fixture
def said() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged."""
    stream = io.StringIO()
    configure(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    configure()


def run(faults: list[Exception | None]) -> Loop:
    """A loop whose rounds meet these, one after the other, to the end."""
    left = list(faults)

    def step() -> float:
        fault = left.pop(0) if left else None
        if fault is not None:
            raise fault
        return 0.0 if left else 60.0

    loop = Loop("test", step, SystemClock(), retry_seconds=0.0)
    assert loop.silent_seconds() == 0.0
    loop.start()
    until(5, lambda: not left and loop.age_seconds() < 60)
    loop.stop()
    return loop


def test_a_fault_that_lasts_is_one_line_and_so_is_its_end(said: Callable[[], list[dict[str, Any]]]) -> None:
    run([None, *[FULL] * 50, None])
    assert [(one["event"], one.get("error")) for one in said()] == [
        ("round failed", "database or disk is full"),
        ("rounds go well again", None),
    ]
    assert not any("exception" in one for one in said())


def test_a_fault_that_lasts_long_is_said_again(
    said: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "SAY_AGAIN_SECONDS", 0.0)
    run([FULL, FULL, OSError(28, "No space left on device"), None])
    assert [one["error"] for one in said() if "error" in one] == [
        *["database or disk is full"] * 2,
        "[Errno 28] No space left on device",
    ]


def test_what_nobody_expects_has_its_traceback(said: Callable[[], list[dict[str, Any]]]) -> None:
    run([ZeroDivisionError("oh"), None])
    assert "ZeroDivisionError: oh" in said()[0]["exception"]


class Rounds:
    """A reconciler whose rounds fail while told to."""

    def __init__(self) -> None:
        self.fault: Exception | None = None

    def round(self) -> None:
        if self.fault is not None:
            raise self.fault


def test_systemd_hears_that_the_app_lives_while_only_its_database_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(hook_app, "notify", heard.append)
    clock, rounds = FakeClock(), Rounds()
    step = _reconcile_step(rounds, lambda: None, 2.0, clock)  # type: ignore[arg-type]
    step()
    assert heard == ["WATCHDOG=1"]
    rounds.fault = FULL
    for _ in range(3):
        with pytest.raises(OperationalError):
            step()
        clock.sleep(PATIENCE_SECONDS / 2)
    # It may be this process after all.
    assert len(heard) == 3
    rounds.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        step()
    assert len(heard) == 3


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("path", ["live", "streams", "streams/demo"])
def test_a_state_that_nobody_could_look_after_is_not_told(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.go_live()
    assert world.client.get(f"/api/v1/{path}").status_code == 200
    monkeypatch.setattr(Loop, "silent_seconds", lambda _self: 11.0)
    answer = world.client.get(f"/api/v1/{path}")
    assert (answer.status_code, "not known" in answer.json()["detail"]) == (503, True)
    monkeypatch.setattr(Loop, "silent_seconds", lambda _self: 9.0)
    assert world.client.get(f"/api/v1/{path}").status_code == 200
