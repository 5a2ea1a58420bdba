"""The ledger: every session that ever was, and the only place that changes a session's state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from hooks_app.clock import Clock
from hooks_app.database import Database
from hooks_app.states import TRANSITIONS, Event, State, after
from hooks_app.tables import SessionRow, TickRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session as it stood when it was read."""

    id: int
    slug: str
    client_id: int
    state: State
    since: datetime
    started_at: datetime
    admitted_at: datetime | None
    live_at: datetime | None
    ended_at: datetime | None

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
        )


class Ledger:
    """Reads and writes sessions; every method is one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, slug: str, client_id: int, *, admitted: bool = False) -> SessionView:
        """A new session in `starting`; one that was still open is over, because the stat page showed nobody there.

        `admitted` is for a publisher that is already in: one that was let in just before the hook app was killed.
        """
        now = self._clock.now()
        with self._database.write() as db:
            previous = db.scalars(_open_sessions().where(SessionRow.slug == slug)).one_or_none()
            if previous is not None:
                _move(previous, Event.GONE, now, "a new publisher took its place")
                db.flush()
            before = State(previous.state) if previous is not None else State.OFFLINE
            row = SessionRow(
                slug=slug,
                client_id=client_id,
                state=TRANSITIONS[before, Event.PUBLISH],
                since=now,
                started_at=now,
                admitted_at=now if admitted else None,
            )
            db.add(row)
            db.flush()
            return SessionView.of(row)

    def admit(self, session_id: int) -> None:
        """The encoder is attached and the publisher is let in: from now on, new segments are this session's."""
        with self._database.write() as db:
            row = db.get_one(SessionRow, session_id)
            row.admitted_at = row.since = self._clock.now()

    def move(self, session_id: int, event: Event, reason: str | None = None) -> bool:
        """Apply an event to a session; False where it means nothing any more."""
        with self._database.write() as db:
            return _move(db.get_one(SessionRow, session_id), event, self._clock.now(), reason)

    def open_sessions(self) -> dict[str, SessionView]:
        """Every session that is not over, by slug."""
        with self._database.read() as db:
            return {row.slug: SessionView.of(row) for row in db.scalars(_open_sessions())}

    def current(self) -> dict[str, SessionView]:
        """The session that says each stream's state, by slug: the latest, attempts that were refused left out."""
        with self._database.read() as db:
            return {row.slug: SessionView.of(row) for row in _latest(db)}

    def tick(self) -> None:
        """Prove that the database can be written and read back."""
        with self._database.write() as db:
            db.merge(TickRow(id=1, at=self._clock.now()))
        with self._database.read() as db:
            db.get_one(TickRow, 1)


def _open_sessions() -> Select[SessionRow]:
    return select(SessionRow).where(SessionRow.ended_at.is_(None))


def _latest(db: Session) -> list[SessionRow]:
    on_air = or_(SessionRow.ended_at.is_(None), SessionRow.admitted_at.is_not(None))
    newest = select(func.max(SessionRow.id)).where(on_air).group_by(SessionRow.slug)
    return list(db.scalars(select(SessionRow).where(SessionRow.id.in_(newest))))


def _move(row: SessionRow, event: Event, now: datetime, reason: str | None) -> bool:
    state = after(State(row.state), event)
    if state is None:
        return False
    row.state = state
    row.since = now
    if state is State.LIVE and row.live_at is None:
        row.live_at = now
    if state is State.ENDED:
        row.ended_at = now
        row.reason = reason
    return True
