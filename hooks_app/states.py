"""The states of a stream and every way from one to another, as one table.

A stream without a session is offline. A session starts with an authorised publish and is over with its publisher.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """What the audience may be told about a stream."""

    OFFLINE = "offline"
    STARTING = "starting"
    LIVE = "live"
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to a stream."""

    PUBLISH = "publish"
    """A publisher with a valid key asks to be let in."""
    PLAYABLE = "playable"
    """Every rendition's media playlist lists a finished segment of this session."""
    STALLED = "stalled"
    """The publisher is there but a media playlist stopped growing: live is withdrawn until it is playable again."""
    GONE = "gone"
    """The publisher has left, or was never let in."""


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.OFFLINE, Event.PUBLISH): State.STARTING,
        (State.ENDED, Event.PUBLISH): State.STARTING,
        (State.STARTING, Event.PLAYABLE): State.LIVE,
        (State.LIVE, Event.STALLED): State.STARTING,
        (State.STARTING, Event.GONE): State.ENDED,
        (State.LIVE, Event.GONE): State.ENDED,
    }
)


def after(state: State, event: Event) -> State | None:
    """The state that follows, or None where the event means nothing in this state (it came late or twice)."""
    return TRANSITIONS.get((state, event))
