"""Can a stream get into a state that the table does not allow?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks_app.states import TRANSITIONS, Event, State, after


@pytest.mark.parametrize(
    "state, event, expected",
    [
        (State.OFFLINE, Event.PUBLISH, State.STARTING),
        (State.ENDED, Event.PUBLISH, State.STARTING),
        (State.STARTING, Event.PLAYABLE, State.LIVE),
        (State.LIVE, Event.STALLED, State.STARTING),
        (State.STARTING, Event.GONE, State.ENDED),
        (State.LIVE, Event.GONE, State.ENDED),
    ],
)
def test_each_way_from_state_to_state(state: State, event: Event, expected: State) -> None:
    assert after(state, event) is expected


def test_there_is_no_other_way() -> None:
    assert len(TRANSITIONS) == 6


@given(st.lists(st.sampled_from(Event)))
def test_live_is_only_ever_reached_through_starting(events: list[Event]) -> None:
    state = State.OFFLINE
    for event in events:
        before, state = state, after(state, event) or state
        assert state is not State.LIVE or before in {State.STARTING, State.LIVE}


@given(st.lists(st.sampled_from(Event)))
def test_when_the_publisher_is_gone_nothing_is_on_air(events: list[Event]) -> None:
    state = State.OFFLINE
    for event in [*events, Event.GONE]:
        state = after(state, event) or state
    assert state in {State.OFFLINE, State.ENDED}


@pytest.mark.parametrize("event", Event)
def test_an_event_that_comes_twice_changes_nothing_the_second_time(event: Event) -> None:
    for state in State:
        once = after(state, event) or state
        assert after(once, event) is None
