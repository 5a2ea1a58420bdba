"""What to mend, given what one look at a stream showed. Pure: no clock, no file, no unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hooks_app.publisher import IngestProtocol
from hooks_app.session_view import SessionView
from hooks_app.states import State

ABSENT_SECONDS = 2.5
"""How long a session may have no publisher on the stat page before that is believed."""
OUTAGE_SECONDS = 5.0
"""The same while nginx is down: it restarts within a second or two, and its publishers come back as new ones."""
DETACHED_SECONDS = 5.0
"""How long a publisher may have no encoder on the stat page before the encoder is started anew."""


class Repair(StrEnum):
    """One mending step."""

    LOSE = "note the lost publisher"
    END = "end the session"
    ADOPT = "adopt the publisher"
    DROP = "drop the publisher"
    WITHDRAW = "withdraw live"
    RESTART = "restart the encoder"
    STOP = "stop the encoder"
    FINISH = "write the end tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look at a stream showed."""

    declared: bool = True
    """The spec has this stream; another can only be left alone or ended."""
    ingest_up: bool = True
    publisher: int | None = None
    """nginx's connection number."""
    protocol: IngestProtocol = IngestProtocol.RTMP
    """The publisher's."""
    session: SessionView | None = None
    """The session that is not over."""
    elsewhere: bool = False
    """Another app host has that session."""
    encoder_running: bool = False
    absent_seconds: float = 0.0
    """For how long no publisher has been seen."""
    lost_seconds: float = 0.0
    """For how long the session has been known to have none."""
    grace_seconds: float = 0.0
    """How long a lost publisher may take to come back."""
    detached_seconds: float = 0.0
    """For how long there has been a publisher without an encoder attached."""
    stalled: bool = False
    """A media playlist has stopped growing."""
    finished: bool = True
    """Every media playlist that is there has its end tag."""


def decide(sight: Sight) -> tuple[Repair, ...]:
    """The repairs, in the order in which to make them; none where all is well or it is too early to say."""
    if sight.publisher is None:
        return _without_publisher(sight)
    if sight.elsewhere:
        # The other host took the stream over while this one was thought to be gone: one stream has one publisher.
        return (Repair.DROP,)
    return _with_publisher(sight)


def _without_publisher(sight: Sight) -> tuple[Repair, ...]:
    session = None if sight.elsewhere else sight.session
    stop = (Repair.STOP,) if sight.encoder_running else ()
    if session is not None and not session.has_publisher:
        over = session.ending is not None or sight.lost_seconds >= sight.grace_seconds
        return (Repair.END, *_finish(sight)) if over else stop
    patience = ABSENT_SECONDS if sight.ingest_up else OUTAGE_SECONDS
    if sight.absent_seconds < patience and (session is not None or not sight.ingest_up):
        return ()
    if session is None:
        return _finish(sight) if sight.encoder_running or not sight.finished else ()
    goes_on = session.state in {State.LIVE, State.INTERRUPTED} and session.ending is None and sight.grace_seconds > 0
    return (Repair.LOSE, *stop) if goes_on else (Repair.END, *_finish(sight))


def _finish(sight: Sight) -> tuple[Repair, ...]:
    # Of a stream that left the spec nobody can say which playlists it had.
    if sight.declared:
        return (Repair.FINISH,)
    return (Repair.STOP,) if sight.encoder_running else ()


def _with_publisher(sight: Sight) -> tuple[Repair, ...]:
    session = sight.session
    # nginx lets nobody in without our yes, so a publisher without a session was let in just before we were killed.
    unknown = session is None or session.client_id != sight.publisher or not session.has_publisher
    if not sight.declared:
        # A stream that left the spec while on air: its show goes on until its publisher leaves.
        return (Repair.END,) if unknown and session is not None else ()
    repairs: tuple[Repair, ...] = ()
    if session is None or unknown:
        repairs += (Repair.ADOPT,)
    elif session.ending is not None:
        return (Repair.DROP,)
    elif sight.stalled and session.state is State.LIVE:
        repairs += (Repair.WITHDRAW,)
    if not sight.encoder_running or sight.detached_seconds >= DETACHED_SECONDS:
        repairs += (Repair.RESTART,)
    return repairs
