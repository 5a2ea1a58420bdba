"""What to mend, given what one look at a stream showed. Pure: no clock, no file, no unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hooks_app.ledger import SessionView
from hooks_app.states import State

ABSENT_SECONDS = 2.5
"""How long a session may have no publisher on the stat page before it is over."""
OUTAGE_SECONDS = 5.0
"""The same while nginx is down: it restarts within a second or two, and its publishers come back as new ones."""
DETACHED_SECONDS = 5.0
"""How long a publisher may have no encoder on the stat page before the encoder is started anew."""


class Repair(StrEnum):
    """One mending step."""

    END = "end the session"
    ADOPT = "adopt the publisher"
    WITHDRAW = "withdraw live"
    RESTART = "restart the encoder"
    STOP = "stop the encoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look at a stream showed."""

    declared: bool = True
    """The spec has this stream; another can only be left alone or ended."""
    ingest_up: bool = True
    publisher: int | None = None
    """nginx's connection number."""
    session: SessionView | None = None
    """The session that is not over."""
    encoder_running: bool = False
    absent_seconds: float = 0.0
    """For how long no publisher has been seen."""
    detached_seconds: float = 0.0
    """For how long there has been a publisher without an encoder attached."""
    stalled: bool = False
    """A media playlist has stopped growing."""


def decide(sight: Sight) -> tuple[Repair, ...]:
    """The repairs, in the order in which to make them; none where all is well or it is too early to say."""
    return _without_publisher(sight) if sight.publisher is None else _with_publisher(sight)


def _without_publisher(sight: Sight) -> tuple[Repair, ...]:
    patience = ABSENT_SECONDS if sight.ingest_up else OUTAGE_SECONDS
    if sight.absent_seconds < patience and (sight.session is not None or not sight.ingest_up):
        return ()
    end = (Repair.END,) if sight.session is not None else ()
    stop = (Repair.STOP,) if sight.encoder_running else ()
    return end + stop


def _with_publisher(sight: Sight) -> tuple[Repair, ...]:
    # nginx lets nobody in without our yes, so a publisher without a session was let in just before we were killed.
    repairs: tuple[Repair, ...] = ()
    session = sight.session
    if session is not None and session.client_id != sight.publisher:
        repairs, session = (Repair.END,), None
    if not sight.declared:
        # A stream that left the spec while on air: its show goes on until its publisher leaves.
        return repairs
    if session is None:
        repairs += (Repair.ADOPT,)
    elif sight.stalled and session.state is State.LIVE:
        repairs += (Repair.WITHDRAW,)
    if not sight.encoder_running or sight.detached_seconds >= DETACHED_SECONDS:
        repairs += (Repair.RESTART,)
    return repairs
