"""The catalogue for the collector: recordings are opened, and closed with their parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hooks_app.archive.own_rows import OwnRows
from hooks_app.archive.part_file import SLACK, PartFile, SessionSpan
from hooks_app.archive.states import RecordingState
from hooks_app.recording_tables import RecordingFileRow, RecordingRow
from hooks_app.tables import OwnerRow, SessionRow, StreamRow

NOBODY = "site"
"""Whose a recording is where nobody knows the stream."""
_AT_A_TIME = 500
"""Values in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRecording:
    """A recording that is still being written."""

    id: int
    slug: str
    session_id: int | None
    number: int
    started_at: datetime
    over_at: datetime | None
    """When its session ended; None while it lasts, and where there is none."""
    ladder: str | None
    """Of its stream; None where nobody knows that."""


class Intake(OwnRows):
    """Opens and closes."""

    def sessions_of(self, slugs: Collection[str], since: datetime) -> list[SessionSpan]:
        """The sessions of these streams here that had a publisher and lasted beyond `since`, newest first."""
        lasted = or_(SessionRow.ended_at.is_(None), SessionRow.ended_at >= since - SLACK)
        query = select(SessionRow).where(
            SessionRow.slug.in_(slugs),
            SessionRow.host.in_(["", self._here.host]),
            SessionRow.admitted_at.is_not(None),
            lasted,
        )
        with self._database.read() as db:
            return [
                SessionSpan(
                    id=row.id, slug=row.slug, client_id=row.client_id, started_at=row.started_at, ended_at=row.ended_at
                )
                for row in db.scalars(query.order_by(SessionRow.id.desc()))
            ]

    def begin(self, slug: str, session_id: int | None, started_at: datetime, number: int | None = None) -> int:
        """The open recording of a session, or of a stream where no session is known; made where there is none.

        `number` counts within the session; None: the next one.
        """
        open_one = select(RecordingRow).where(
            RecordingRow.host == self._here.host,
            RecordingRow.slug == slug,
            RecordingRow.state == RecordingState.RECORDING,
            RecordingRow.session_id.is_(None) if session_id is None else RecordingRow.session_id == session_id,
        )
        with self._database.write() as db:
            row = db.scalars(open_one.order_by(RecordingRow.id).limit(1)).one_or_none()
            if row is not None:
                row.started_at = min(row.started_at, started_at)
                return row.id
            session = db.get(SessionRow, session_id) if session_id is not None else None
            row = RecordingRow(
                slug=slug,
                # The stream may have become another one's since.
                owner=(session.owner if session is not None else None) or _owner(db, slug, self._here.clock.now()),
                host=self._here.host,
                session_id=session_id,
                event_id=session.event_id if session is not None else None,
                number=number or _next_number(db, session_id),
                state=RecordingState.RECORDING.value,
                since=self._here.clock.now(),
                started_at=started_at,
            )
            db.add(row)
            db.flush()
            return row.id

    def open_recordings(self) -> list[OpenRecording]:
        """Those that are still being written, oldest first."""
        query = (
            select(RecordingRow, SessionRow.ended_at, StreamRow.ladder)
            .outerjoin(SessionRow, SessionRow.id == RecordingRow.session_id)
            .outerjoin(StreamRow, StreamRow.slug == RecordingRow.slug)
            .where(RecordingRow.host == self._here.host, RecordingRow.state == RecordingState.RECORDING)
        )
        with self._database.read() as db:
            return [
                OpenRecording(
                    id=row.id,
                    slug=row.slug,
                    session_id=row.session_id,
                    number=row.number,
                    started_at=row.started_at,
                    over_at=over_at,
                    ladder=ladder,
                )
                for row, over_at, ladder in db.execute(query.order_by(RecordingRow.id))
            ]

    def recording_of(self, names: Sequence[str]) -> dict[str, int]:
        """Which recording has a raw part of that name on this disk, of those names that are in one."""
        found: dict[str, int] = {}
        with self._database.read() as db:
            for first in range(0, len(names), _AT_A_TIME):
                query = (
                    select(RecordingFileRow.name, RecordingFileRow.recording_id)
                    .join(RecordingRow)
                    .where(RecordingRow.host == self._here.host, RecordingFileRow.kind == "raw")
                    .where(RecordingFileRow.local_removed_at.is_(None))
                    .where(RecordingFileRow.name.in_(names[first : first + _AT_A_TIME]))
                )
                for name, recording_id in db.execute(query):
                    found[name] = recording_id
        return found

    def close(self, recording_id: int, parts: Sequence[PartFile], *, keep_raw: bool) -> bool:
        """No part will be added to it; False where that was so already. The parts are to be moved after this."""
        if not parts:
            raise ValueError("A recording has parts.")
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            if row.state != RecordingState.RECORDING:
                return False
            for part in sorted(parts, key=lambda part: part.named.order):
                db.add(
                    RecordingFileRow(
                        recording_id=row.id,
                        kind="raw",
                        name=part.named.name,
                        bytes=part.bytes,
                        made_at=part.named.started_at,
                        wanted=keep_raw,
                        state="local",
                    )
                )
            row.started_at = min(part.named.started_at for part in parts)
            row.ended_at = max(row.started_at, *(part.modified_at for part in parts))
            session = db.get(SessionRow, row.session_id) if row.session_id is not None else None
            row.event_id = session.event_id if session is not None else row.event_id
            self._enter(row, RecordingState.CLOSED)
            return True

    def forget(self, recording_id: int) -> bool:
        """An open recording of which nothing came; False where it is none."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            if row.state != RecordingState.RECORDING or self._files(db, recording_id):
                return False
            db.delete(row)
            return True


def _next_number(db: Session, session_id: int | None) -> int:
    if session_id is None:
        return 1
    return (db.scalar(select(func.max(RecordingRow.number)).where(RecordingRow.session_id == session_id)) or 0) + 1


def _owner(db: Session, slug: str, now: datetime) -> str:
    stream = db.get(StreamRow, slug)
    if stream is not None:
        return stream.owner
    if db.get(OwnerRow, NOBODY) is None:
        db.add(OwnerRow(name=NOBODY, title=NOBODY, created_at=now))
        db.flush()
    return NOBODY
