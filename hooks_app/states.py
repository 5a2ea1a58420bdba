"""The states of sessions and events, and every way from one to another, as one table. Pure: no clock, no row.

A stream is as its open session says. Without one it is as its events say: scheduled where one is planned, ended or
archived where one was; offline where there is neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """What the audience may be told about a stream."""

    OFFLINE = "offline"
    SCHEDULED = "scheduled"
    STARTING = "starting"
    LIVE = "live"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    ARCHIVED = "archived"


class Trigger(StrEnum):
    """What can happen to a session or an event."""

    PUBLISH = "publish"
    """A publisher that may is let in: a session starts."""
    PLAYABLE = "playable"
    """Every rendition's media playlist lists a finished segment that was not there before."""
    STALLED = "stalled"
    """The publisher is there, but a media playlist has stopped growing: live is withdrawn."""
    LOST = "lost"
    """The publisher of a session that was live is gone: its reconnect grace runs."""
    RETURNED = "returned"
    """A publisher that may came back within the grace: the session goes on, and is live when it is playable again."""
    OVER = "over"
    """It is over: the grace ran out, it was never live, its publisher was refused, kicked, or lost its key."""
    CANCELLED = "cancelled"
    """A planned event will not be."""
    MISSED = "missed"
    """The window of a planned event has passed without a publisher."""
    RESTORED = "restored"
    """The clock had been wrong: the window of a missed event is not over."""
    ARCHIVED = "archived"
    """Its recording is in safety."""


OVER_STATES: Final = frozenset({State.ENDED, State.ARCHIVED})
"""Nothing goes on any more."""

TRANSITIONS: Mapping[tuple[State, Trigger], State] = MappingProxyType(
    {
        (State.OFFLINE, Trigger.PUBLISH): State.STARTING,
        (State.SCHEDULED, Trigger.PUBLISH): State.STARTING,
        (State.SCHEDULED, Trigger.CANCELLED): State.ENDED,
        (State.SCHEDULED, Trigger.MISSED): State.ENDED,
        (State.STARTING, Trigger.PLAYABLE): State.LIVE,
        (State.STARTING, Trigger.OVER): State.ENDED,
        (State.LIVE, Trigger.STALLED): State.INTERRUPTED,
        (State.LIVE, Trigger.LOST): State.INTERRUPTED,
        (State.LIVE, Trigger.OVER): State.ENDED,
        (State.INTERRUPTED, Trigger.LOST): State.INTERRUPTED,
        (State.INTERRUPTED, Trigger.RETURNED): State.INTERRUPTED,
        (State.INTERRUPTED, Trigger.PLAYABLE): State.LIVE,
        (State.INTERRUPTED, Trigger.OVER): State.ENDED,
        # Its window is still open and a publisher came again: the same event has another session.
        (State.ENDED, Trigger.PUBLISH): State.STARTING,
        # Only one that was missed (hooks_app/events.py).
        (State.ENDED, Trigger.RESTORED): State.SCHEDULED,
        (State.ENDED, Trigger.ARCHIVED): State.ARCHIVED,
    }
)


def after(state: State, trigger: Trigger) -> State | None:
    """The state that follows, or None where the trigger means nothing in this state (it came late or twice)."""
    return TRANSITIONS.get((state, trigger))


def of_stream(session: State | None, planned: bool, last: State | None) -> State:
    """The state of a stream.

    `session`: of the session that is not over. `planned`: whether an event lies ahead. `last`: of the event or session
    that was on air last.
    """
    if session is not None:
        return session
    if planned:
        return State.SCHEDULED
    return last or State.OFFLINE
