"""A session as it stood when it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hooks_app.publisher import UNKNOWN, IngestProtocol, Publisher
from hooks_app.states import State
from hooks_app.tables import SessionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A copy of a row, for use outside its transaction."""

    id: int
    slug: str
    client_id: int
    state: State
    since: datetime
    started_at: datetime
    admitted_at: datetime | None
    live_at: datetime | None
    ended_at: datetime | None
    reason: str | None = None
    publisher: Publisher = UNKNOWN
    event_id: int | None = None
    host: str = ""
    codecs: dict[str, Any] | None = None
    publisher_lost_at: datetime | None = None
    publisher_lost_monotonic: float | None = None
    interruptions: int = 0
    peak_viewers: int | None = None
    segments_before: tuple[str, ...] | None = None
    boot_id: str | None = None
    started_monotonic: float | None = None
    ended_monotonic: float | None = None
    ending: str | None = None

    @property
    def has_publisher(self) -> bool:
        """Whether a publisher was let in, or is about to be, and is not known to have left."""
        return self.ended_at is None and self.publisher_lost_at is None

    @classmethod
    def of(cls, row: SessionRow) -> SessionView:
        """Copy a row out of its transaction."""
        return cls(
            id=row.id,
            slug=row.slug,
            client_id=row.client_id,
            state=State(row.state),
            since=row.since,
            started_at=row.started_at,
            admitted_at=row.admitted_at,
            live_at=row.live_at,
            ended_at=row.ended_at,
            reason=row.reason,
            publisher=Publisher(
                protocol=IngestProtocol(row.protocol),
                key_id=row.key_id,
                peer=row.peer,
                mode=row.mode,
                nonce=row.nonce,
            ),
            event_id=row.event_id,
            host=row.host,
            codecs=row.codecs,
            publisher_lost_at=row.publisher_lost_at,
            publisher_lost_monotonic=row.publisher_lost_monotonic,
            interruptions=row.interruptions,
            peak_viewers=row.peak_viewers,
            segments_before=tuple(row.segments_before) if row.segments_before is not None else None,
            boot_id=row.boot_id,
            started_monotonic=row.started_monotonic,
            ended_monotonic=row.ended_monotonic,
            ending=row.ending,
        )
