"""The ledger: every session that ever was, and the only place that changes a session's state.

An event goes along with its session: what happens to the one happens to the other, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from headend.model.facts import StreamFacts
from hooks_app import events, session_rows
from hooks_app.database import Database
from hooks_app.here import Here, Stamp
from hooks_app.history import REASON_LENGTH
from hooks_app.publisher import UNKNOWN, Publisher
from hooks_app.session_view import SessionView
from hooks_app.states import State, Trigger
from hooks_app.tables import HostRow, NonceRow, SessionRow, StreamKeyRow


class ElsewhereError(Exception):
    """The stream has a publisher on another app host."""


class Ledger:
    """Reads and writes sessions; every method is one transaction."""

    def __init__(self, database: Database, here: Here, publish_lead_seconds: float = 900.0) -> None:
        self._database = database
        self._here = here
        self._lead = timedelta(seconds=publish_lead_seconds)

    def begin(
        self,
        slug: str,
        client_id: int,
        publisher: Publisher = UNKNOWN,
        *,
        grace_seconds: float = 0.0,
        admitted: StreamFacts | None = None,
        newest: Sequence[str | None] | None = None,
    ) -> SessionView:
        """The session for a publisher, where the stat page showed none: the open one within its grace, or a new one.

        A session in its reconnect grace stays as it is until `admit`. `admitted` is for a publisher that is already in:
        one that was let in just before the hook app was killed; `newest` then is what `admit` says. Raises
        ElsewhereError.
        """
        stamp = self._here.stamp()
        with self._database.write() as db:
            # Before the first tick, too, another host must not take this one for gone.
            db.merge(HostRow(name=stamp.host, at=stamp.at))
            row = db.scalars(session_rows.open_sessions().where(SessionRow.slug == slug)).one_or_none()
            if row is not None and self._is_elsewhere(row):
                if row.publisher_lost_at is None and not session_rows.host_is_gone(db, row.host, stamp):
                    raise ElsewhereError("stream has a publisher on another host")
                session_rows.end(db, row, stamp, "publisher came back to another host")
                row = None
            if row is not None and self._goes_on(row, grace_seconds):
                session_rows.lose(db, row, stamp, "publisher gone")
            elif row is not None:
                session_rows.end(db, row, stamp, row.ending or "a new publisher took its place")
                row = None
            if row is None:
                row = session_rows.begin(db, slug, client_id, publisher, stamp)
            if admitted is not None:
                self._admit(db, row, client_id, publisher, admitted, newest, stamp)
            db.flush()
            return SessionView.of(row)

    def admit(
        self, session_id: int, client_id: int, publisher: Publisher, stream: StreamFacts, newest: Sequence[str | None]
    ) -> None:
        """The encoder is attached and the publisher is let in.

        `newest` are the segments that the media playlists list last now: others are of this publisher. Raises
        ElsewhereError where another host has ended the session meanwhile.
        """
        stamp = self._here.stamp()
        with self._database.write() as db:
            row = db.get_one(SessionRow, session_id)
            if row.ended_at is not None:
                raise ElsewhereError("another host has ended the session")
            self._admit(db, row, client_id, publisher, stream, newest, stamp)

    def move(
        self,
        session_id: int,
        trigger: Trigger,
        reason: str | None = None,
        *,
        newest: Sequence[str | None] | None = None,
    ) -> bool:
        """Apply a trigger to a session; False where it means nothing any more.

        `newest` goes with STALLED: only another segment proves that the stream is playable again.
        """
        stamp = self._here.stamp()
        with self._database.write() as db:
            row = db.get_one(SessionRow, session_id)
            match trigger:
                case Trigger.LOST:
                    return session_rows.lose(db, row, stamp, reason)
                case Trigger.OVER:
                    return session_rows.end(db, row, stamp, reason)
            if newest is not None:
                row.segments_before = session_rows.segment_names(newest)
            return session_rows.move(db, row, trigger, stamp, reason)

    def condemn(self, slug: str, reason: str) -> SessionView | None:
        """Mark the open session: it is over as soon as its publisher is gone. None where nothing is on air."""
        with self._database.write() as db:
            row = db.scalars(session_rows.open_sessions().where(SessionRow.slug == slug)).one_or_none()
            if row is None:
                return None
            row.ending = row.ending or reason[:REASON_LENGTH]
            return SessionView.of(row)

    def end_orphans(self) -> list[SessionView]:
        """End the sessions of app hosts that are gone; returns them."""
        stamp, ended = self._here.stamp(), []
        with self._database.read() as db:
            suspects = [row.id for row in db.scalars(session_rows.open_sessions()) if self._is_elsewhere(row)]
        if not suspects:
            return []
        with self._database.write() as db:
            for row in db.scalars(session_rows.open_sessions().where(SessionRow.id.in_(suspects))):
                if session_rows.host_is_gone(db, row.host, stamp) and session_rows.end(
                    db, row, stamp, "its host is gone"
                ):
                    ended.append(SessionView.of(row))
        return ended

    def note_codecs(self, session_id: int, codecs: dict[str, str | int | float]) -> None:
        """Keep what the publisher sends."""
        with self._database.write() as db:
            db.get_one(SessionRow, session_id).codecs = codecs

    def note_viewers(self, slug: str, viewers: int) -> int | None:
        """Somebody counted so many viewers now; returns the most of the session, None where nothing is on air."""
        with self._database.write() as db:
            row = db.scalars(session_rows.open_sessions().where(SessionRow.slug == slug)).one_or_none()
            if row is None:
                return None
            row.peak_viewers = max(viewers, row.peak_viewers or 0)
            return row.peak_viewers

    def open_sessions(self) -> dict[str, SessionView]:
        """Every session that is not over, by slug; those of other hosts included."""
        with self._database.read() as db:
            return {row.slug: SessionView.of(row) for row in db.scalars(session_rows.open_sessions())}

    def own_sessions(self) -> dict[str, SessionView]:
        """The open sessions whose publishers come to this host, by slug."""
        return {slug: view for slug, view in self.open_sessions().items() if self.is_own(view)}

    def is_own(self, view: SessionView) -> bool:
        """Whether its publisher comes to this host."""
        return view.host in ("", self._here.host)

    def lost_seconds(self, view: SessionView) -> float:
        """For how long a session has been without its publisher; 0 while it has one."""
        if view.publisher_lost_at is None:
            return 0.0
        return self._here.seconds_since(view.publisher_lost_at, view.publisher_lost_monotonic, view.boot_id)

    def seconds(self, view: SessionView) -> float:
        """How long a session has lasted."""
        if view.ended_at is None:
            return self._here.seconds_since(view.started_at, view.started_monotonic, view.boot_id)
        if view.started_monotonic is not None and view.ended_monotonic is not None:
            return max(0.0, view.ended_monotonic - view.started_monotonic)
        return max(0.0, (view.ended_at - view.started_at).total_seconds())

    def current(self) -> dict[str, SessionView]:
        """The session that says each stream's state, by slug: the latest, attempts that were refused left out."""
        with self._database.read() as db:
            return {row.slug: SessionView.of(row) for row in session_rows.latest_sessions(db)}

    def peers_of(self, key_id: str, nonce: str) -> frozenset[str]:
        """From where this signed stream id was admitted before; an attempt that was not let in does not count."""
        used = select(NonceRow.peer).where(NonceRow.key_id == key_id, NonceRow.nonce == nonce)
        with self._database.read() as db:
            return frozenset(db.scalars(used))

    def kicked_seconds(self, slug: str) -> float:
        """How long ago the stream's last session ended by a kick; infinite where it did not."""
        newest = select(SessionRow).where(SessionRow.slug == slug, SessionRow.admitted_at.is_not(None))
        with self._database.read() as db:
            row = db.scalars(newest.order_by(SessionRow.id.desc()).limit(1)).one_or_none()
            if row is None or row.ended_at is None or row.ending is None or not row.ending.startswith("kicked"):
                return float("inf")
            return self._here.seconds_since(row.ended_at, row.ended_monotonic, row.boot_id)

    def last_admitted(self) -> dict[str, datetime]:
        """When each stream's last publisher was let in, by slug."""
        admitted = select(SessionRow.slug, SessionRow.admitted_at).where(SessionRow.admitted_at.is_not(None))
        newest = select(func.max(SessionRow.id)).where(SessionRow.admitted_at.is_not(None)).group_by(SessionRow.slug)
        with self._database.read() as db:
            return {slug: at for slug, at in db.execute(admitted.where(SessionRow.id.in_(newest))) if at is not None}

    def history(self, slug: str, limit: int) -> list[SessionView]:
        """A stream's sessions, newest first, attempts that were refused included."""
        newest = select(SessionRow).where(SessionRow.slug == slug).order_by(SessionRow.id.desc()).limit(limit)
        with self._database.read() as db:
            return [SessionView.of(row) for row in db.scalars(newest)]

    def tick(self) -> None:
        """Prove that the database can be written and read back, and that this host is there."""
        with self._database.write() as db:
            db.merge(HostRow(name=self._here.host, at=self._here.clock.now()))
        with self._database.read() as db:
            db.get_one(HostRow, self._here.host)

    def _goes_on(self, row: SessionRow, grace_seconds: float) -> bool:
        """Whether a session may have its publisher back; one that is not known to have lost it has all of its grace."""
        if row.state not in (State.LIVE, State.INTERRUPTED) or row.ending is not None:
            return False
        return self.lost_seconds(SessionView.of(row)) < grace_seconds

    def _is_elsewhere(self, row: SessionRow) -> bool:
        return row.host not in ("", self._here.host)

    def _admit(
        self,
        db: Session,
        row: SessionRow,
        client_id: int,
        publisher: Publisher,
        stream: StreamFacts,
        newest: Sequence[str | None] | None,
        stamp: Stamp,
    ) -> None:
        if publisher.key_id is not None and (key := db.get(StreamKeyRow, publisher.key_id)) is not None:
            key.last_used_at = stamp.at
        if publisher.key_id is not None and publisher.nonce is not None:
            spent = NonceRow(key_id=publisher.key_id, nonce=publisher.nonce, peer=publisher.peer or "", at=stamp.at)
            db.merge(spent)
        row.segments_before = None if newest is None else session_rows.segment_names(newest)
        if row.publisher_lost_at is not None:
            row.client_id, row.nonce = client_id, publisher.nonce
            row.protocol, row.key_id = publisher.protocol.value, publisher.key_id
            row.peer, row.mode = publisher.peer, publisher.mode
            row.publisher_lost_at = row.publisher_lost_monotonic = None
            row.admitted_at, row.reason = stamp.at, None
            session_rows.move(db, row, Trigger.RETURNED, stamp, None)
            return
        row.admitted_at = row.since = stamp.at
        event = events.event_for_publish(db, row.slug, stamp.at, self._lead.total_seconds())
        if event is None and stream.ad_hoc_events:
            event = events.ad_hoc(db, slug=row.slug, owner=stream.owner, title=stream.title, now=stamp.at)
        if event is not None:
            row.event_id = event.id
            events.move(db, event, Trigger.PUBLISH, stamp)
