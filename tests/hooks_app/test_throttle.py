"""Does who guesses keys wait, without a stranger locking anybody out?"""

from __future__ import annotations

import pytest

from hooks_app.throttle import ADDRESSES, DELAY_SECONDS, FREE_REFUSALS, LINES, WAITING, WINDOW_SECONDS, Throttle
from tests.hooks_app.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def throttle(clock: FakeClock) -> Throttle:
    return Throttle(clock)


def refuse(throttle: Throttle, times: int, address: str = "203.0.113.9") -> list[float]:
    """What each refusal waits."""
    return [throttle.refused(address).delay_seconds for _ in range(times)]


def test_the_first_refusals_are_answered_at_once_and_the_others_wait(throttle: Throttle) -> None:
    assert refuse(throttle, FREE_REFUSALS + 3) == [0.0] * FREE_REFUSALS + [DELAY_SECONDS] * 3


def test_another_address_does_not_wait(throttle: Throttle) -> None:
    refuse(throttle, 100)
    assert refuse(throttle, 1, "203.0.113.10") == [0.0]


def test_after_a_window_it_is_forgiven(throttle: Throttle, clock: FakeClock) -> None:
    refuse(throttle, 100)
    clock.sleep(WINDOW_SECONDS)
    assert refuse(throttle, 1) == [0.0]


def test_twelve_thousand_refusals_of_one_address_are_a_few_lines(throttle: Throttle) -> None:
    assert sum(throttle.refused("203.0.113.9").tell for _ in range(12_000)) == FREE_REFUSALS + 3


def test_refusals_of_ever_other_addresses_have_a_bounded_log_and_memory(throttle: Throttle) -> None:
    told = sum(throttle.refused(f"2001:db8::{number:x}").tell for number in range(10 * ADDRESSES))
    assert told == LINES
    assert refuse(throttle, FREE_REFUSALS, "2001:db8::1") == [0.0] * FREE_REFUSALS


def test_no_more_than_so_many_wait_at_a_time(throttle: Throttle) -> None:
    refuse(throttle, 100)
    for _ in range(WAITING):
        throttle.enter()
    assert refuse(throttle, 1) == [0.0]
    throttle.leave()
    assert refuse(throttle, 1) == [DELAY_SECONDS]
