"""A part as nginx-rtmp wrote it, and which session it is of. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from headend.model.base import SLUG_PATTERN

LEAST_BYTES: Final = 14
"""The header of an FLV file is 13: what is shorter has nothing in it."""
SLACK: Final = timedelta(seconds=5)
"""Between what the hook app and nginx take for the same moment."""
_NAME: Final = re.compile(rf"({SLUG_PATTERN})-([0-9]{{9,11}})-([0-9]{{1,19}})-([0-9]{{1,9}})\.flv", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartName:
    """What the name says: SLUG-UNIXSECONDS-CLIENTID-PART.flv."""

    name: str
    slug: str
    seconds: int
    """When it was begun, by nginx's clock, cut to whole ones."""
    client_id: int
    """nginx's connection number of its publisher."""
    number: int
    """1, 2, … within that connection."""

    @classmethod
    def of(cls, name: str) -> PartName | None:
        """Read a name; None for another one."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        slug, seconds, client_id, number = found.groups()
        return cls(name=name, slug=slug, seconds=int(seconds), client_id=int(client_id), number=int(number))

    @property
    def order(self) -> tuple[int, int, int]:
        """By which parts of a session are joined."""
        return (self.seconds, self.client_id, self.number)

    @property
    def started_at(self) -> datetime:
        """When it was begun."""
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """A part on the disk."""

    named: PartName
    bytes: int
    modified_at: datetime
    being_written: bool

    def is_quiet(self, now: datetime, seconds: float) -> bool:
        """Whether nobody writes it, nor did so of late. A time that lies ahead is of a clock that was set."""
        return not self.being_written and not -seconds < (now - self.modified_at).total_seconds() < seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpan:
    """A session of this host that had a publisher."""

    id: int
    slug: str
    client_id: int
    """Of its last publisher: who comes back within the grace has another."""
    started_at: datetime
    ended_at: datetime | None


def session_of(part: PartFile, sessions: Sequence[SessionSpan]) -> SessionSpan | None:
    """The session of a part: the one of its publisher, else the nearest in time, of several the newest."""
    named = part.named
    near = [
        session
        for session in sessions
        if session.slug == named.slug
        and session.started_at <= max(named.started_at, part.modified_at) + SLACK
        and (session.ended_at is None or session.ended_at >= named.started_at - SLACK)
    ]
    exact = [session for session in near if session.client_id == named.client_id]
    # A session that was written down late (the app was down) is known by its publisher only.
    begun = [session for session in near if session.started_at <= named.started_at + SLACK]
    return min(exact or begun, key=lambda session: (_distance(session, named), -session.id), default=None)


def _distance(session: SessionSpan, named: PartName) -> float:
    """How far outside of the session a part begins, in seconds."""
    # Cut to whole seconds, a part may seem to begin before its session did.
    early = (session.started_at - named.started_at).total_seconds() - 1.0
    late = 0.0 if session.ended_at is None else (named.started_at - session.ended_at).total_seconds()
    return max(0.0, early, late)
