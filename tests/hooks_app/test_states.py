"""Can a session or an event get into a state that the table does not allow?"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks_app.states import OVER_STATES, TRANSITIONS, State, Trigger, after, of_stream

PUBLISHED = {State.STARTING, State.LIVE, State.INTERRUPTED}


def walk(triggers: list[Trigger], state: State = State.OFFLINE) -> list[State]:
    """The states on the way, the first included; triggers that mean nothing are passed over."""
    states = [state]
    for trigger in triggers:
        states.append(after(states[-1], trigger) or states[-1])
    return states


@pytest.mark.parametrize(
    "state, trigger, expected",
    [
        (State.OFFLINE, Trigger.PUBLISH, State.STARTING),
        (State.SCHEDULED, Trigger.PUBLISH, State.STARTING),
        (State.SCHEDULED, Trigger.CANCELLED, State.ENDED),
        (State.SCHEDULED, Trigger.MISSED, State.ENDED),
        (State.STARTING, Trigger.PLAYABLE, State.LIVE),
        (State.STARTING, Trigger.OVER, State.ENDED),
        (State.LIVE, Trigger.STALLED, State.INTERRUPTED),
        (State.LIVE, Trigger.LOST, State.INTERRUPTED),
        (State.LIVE, Trigger.OVER, State.ENDED),
        (State.INTERRUPTED, Trigger.LOST, State.INTERRUPTED),
        (State.INTERRUPTED, Trigger.RETURNED, State.INTERRUPTED),
        (State.INTERRUPTED, Trigger.PLAYABLE, State.LIVE),
        (State.INTERRUPTED, Trigger.OVER, State.ENDED),
        (State.ENDED, Trigger.PUBLISH, State.STARTING),
        (State.ENDED, Trigger.RESTORED, State.SCHEDULED),
        (State.ENDED, Trigger.ARCHIVED, State.ARCHIVED),
    ],
)
def test_each_way_from_state_to_state(state: State, trigger: Trigger, expected: State) -> None:
    assert after(state, trigger) is expected


def test_there_is_no_other_way() -> None:
    assert len(TRANSITIONS) == 16


@given(st.lists(st.sampled_from(Trigger)))
def test_live_is_only_ever_reached_from_starting_or_interrupted(triggers: list[Trigger]) -> None:
    for before, now in pairwise(walk(triggers)):
        assert now is not State.LIVE or before in PUBLISHED


@given(st.lists(st.sampled_from(Trigger)))
def test_interrupted_is_only_for_what_was_live(triggers: list[Trigger]) -> None:
    states = walk(triggers)
    assert State.INTERRUPTED not in states or State.LIVE in states[: states.index(State.INTERRUPTED)]


@given(st.lists(st.sampled_from(Trigger)), st.sampled_from([State.OFFLINE, State.SCHEDULED]))
def test_when_it_is_over_nothing_is_on_air(triggers: list[Trigger], first: State) -> None:
    assert walk([*triggers, Trigger.OVER], first)[-1] not in PUBLISHED


@given(st.lists(st.sampled_from(Trigger)))
def test_what_is_archived_stays_archived(triggers: list[Trigger]) -> None:
    assert set(walk(triggers, State.ARCHIVED)) == {State.ARCHIVED}


class Model:
    """What a session is, said another way: who is there, and what viewers can play."""

    def __init__(self) -> None:
        self.publisher = self.was_live = self.playable = self.over = False

    def take(self, trigger: Trigger) -> None:
        """Live through one trigger."""
        on_air = self.publisher or (self.was_live and not self.over)
        match trigger:
            case Trigger.PUBLISH if not on_air:
                self.publisher, self.was_live, self.playable, self.over = True, False, False, False
            case Trigger.PLAYABLE if on_air:
                self.was_live = self.playable = True
            case Trigger.LOST | Trigger.STALLED if on_air and self.was_live:
                self.playable = False
            case Trigger.OVER if on_air:
                self.publisher, self.playable, self.over = False, False, True

    @property
    def state(self) -> State:
        """What the table must say."""
        if self.over:
            return State.ENDED
        if self.playable:
            return State.LIVE
        if self.was_live:
            return State.INTERRUPTED
        return State.STARTING if self.publisher else State.OFFLINE


OF_SESSIONS = [trigger for trigger in Trigger if trigger not in {Trigger.ARCHIVED, Trigger.RESTORED}]


@given(st.lists(st.sampled_from(OF_SESSIONS), max_size=40))
def test_the_table_says_what_the_model_says(triggers: list[Trigger]) -> None:
    model, state = Model(), State.OFFLINE
    for trigger in triggers:
        model.take(trigger)
        state = after(state, trigger) or state
        assert state is model.state


@pytest.mark.parametrize(
    "session, planned, last, expected",
    [
        (None, False, None, State.OFFLINE),
        (None, True, None, State.SCHEDULED),
        (None, False, State.ENDED, State.ENDED),
        (None, False, State.ARCHIVED, State.ARCHIVED),
        (None, True, State.ENDED, State.SCHEDULED),
        (State.LIVE, True, State.ENDED, State.LIVE),
        (State.INTERRUPTED, False, None, State.INTERRUPTED),
    ],
)
def test_a_stream_is_as_its_session_or_its_events_say(
    session: State | None, planned: bool, last: State | None, expected: State
) -> None:
    assert of_stream(session, planned, last) is expected


def test_over_is_over() -> None:
    assert not OVER_STATES & PUBLISHED
