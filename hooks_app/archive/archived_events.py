"""Events whose recordings are in safety."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from hooks_app import events
from hooks_app.archive.own_rows import OwnRows
from hooks_app.archive.states import RecordingState
from hooks_app.recording_tables import ArchiverRow, RecordingRow
from hooks_app.states import State, Trigger
from hooks_app.tables import EventRow, SessionRow

SETTLED = timedelta(seconds=15)
"""So long after a session's end its host's archiver has seen every part of it."""


class ArchivedEvents(OwnRows):
    """Moves events on."""

    def events_archived(self) -> list[int]:
        """Events that ended and whose every recording, on whichever host, is archived: they are archived now.

        Not before the window is over, since a publisher may still come for the event until then; nor before the
        archiver of every host that had one of its sessions has looked after that session's end.
        """
        stamp = self._here.stamp()
        ready = _ready().where(or_(EventRow.ends_at.is_(None), EventRow.ends_at < stamp.at))
        with self._database.read() as db:
            if not any(_is_settled(db, row.id) for row in db.scalars(ready)):
                return []
        with self._database.write() as db:
            return [
                row.id
                for row in list(db.scalars(ready))
                if _is_settled(db, row.id) and events.move(db, row, Trigger.ARCHIVED, stamp)
            ]


def _ready() -> Select[EventRow]:
    of_event = RecordingRow.event_id == EventRow.id
    lacking = RecordingRow.state.not_in([RecordingState.ARCHIVED, RecordingState.REMOVED])
    return (
        select(EventRow)
        .where(
            EventRow.state == State.ENDED,
            exists().where(of_event, RecordingRow.state == RecordingState.ARCHIVED),
            ~exists().where(of_event, lacking),
            ~exists().where(SessionRow.event_id == EventRow.id, SessionRow.ended_at.is_(None)),
        )
        .order_by(EventRow.id)
    )


def _is_settled(db: Session, event_id: int) -> bool:
    """Whether the archiver of each session's host, where there is one, has turned since the session ended."""
    query = (
        select(SessionRow.ended_at, ArchiverRow.turned_at)
        .join(ArchiverRow, ArchiverRow.host == SessionRow.host)
        .where(SessionRow.event_id == event_id, SessionRow.admitted_at.is_not(None))
    )
    return all(ended_at is None or turned_at >= ended_at + SETTLED for ended_at, turned_at in db.execute(query))
