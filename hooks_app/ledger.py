"""The ledger: every session that ever was, and the only place that changes a session's state.

An event goes along with its session: what happens to the one happens to the other, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from headend.model.facts import StreamFacts
from hooks_app import events, session_rows
from hooks_app.database import Database
from hooks_app.here import Here, Stamp
from hooks_app.history import REASON_LENGTH
from hooks_app.host_watch import HostWatch
from hooks_app.publisher import UNKNOWN, IngestProtocol, Publisher
from hooks_app.session_view import SessionView
from hooks_app.states import State, Trigger
from hooks_app.tables import HostRow, NonceRow, SessionRow, StreamKeyRow

KICK_SECONDS = 30.0
"""How long after a kick nobody is let in: encoders come back by themselves within seconds."""
_CLOCK_STEP = timedelta(hours=1)
"""By how much the wall clock may be set while that lasts."""


class ElsewhereError(Exception):
    """The stream has a publisher on another app host."""


class Ledger:
    """Reads and writes sessions; every method is one transaction."""

    def __init__(self, database: Database, here: Here, publish_lead_seconds: float = 900.0) -> None:
        self._database = database
        self._here = here
        self._lead = timedelta(seconds=publish_lead_seconds)
        self._hosts = HostWatch()

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
                if row.publisher_lost_at is None and not self._hosts.is_gone(db, row.host, stamp.monotonic):
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

    def condemn(
        self, slug: str, reason: str, also: Callable[[Session, bool], None] | None = None
    ) -> SessionView | None:
        """Mark the open session: it is over as soon as its publisher is gone. None where nothing is on air.

        `also` is called in the same transaction, with whether something is.
        """
        with self._database.write() as db:
            row = db.scalars(session_rows.open_sessions().where(SessionRow.slug == slug)).one_or_none()
            if row is not None:
                row.ending = row.ending or reason[:REASON_LENGTH]
            if also is not None:
                also(db, row is not None)
            return SessionView.of(row) if row is not None else None

    def end_orphans(self) -> list[SessionView]:
        """End the sessions of app hosts that are gone; returns them."""
        stamp, ended = self._here.stamp(), []
        with self._database.read() as db:
            elsewhere = [row for row in db.scalars(session_rows.open_sessions()) if self._is_elsewhere(row)]
            suspects = [row.id for row in elsewhere if self._hosts.is_gone(db, row.host, stamp.monotonic)]
        if not suspects:
            return []
        with self._database.write() as db:
            for row in db.scalars(session_rows.open_sessions().where(SessionRow.id.in_(suspects))):
                # Again: it may have written since.
                is_gone = self._is_elsewhere(row) and self._hosts.is_gone(db, row.host, stamp.monotonic)
                if is_gone and session_rows.end(db, row, stamp, "its host is gone"):
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

    def publisher_of(self, slug: str, client_id: int, protocol: IngestProtocol) -> Publisher:
        """Who a publisher is that was found on air: as it was let in by this host; without a key where nobody knows."""
        here = (SessionRow.host == self._here.host, SessionRow.boot_id == self._here.boot_id)
        own = (SessionRow.slug == slug, SessionRow.client_id == client_id, SessionRow.protocol == protocol.value)
        with self._database.read() as db:
            newest = select(SessionRow).where(*here, *own).order_by(SessionRow.id.desc()).limit(1)
            row = db.scalars(newest).one_or_none()
            return SessionView.of(row).publisher if row is not None else Publisher(protocol=protocol)

    def peers_of(self, key_id: str, nonce: str) -> frozenset[str]:
        """From where this signed stream id was admitted before; an attempt that was not let in does not count."""
        used = select(NonceRow.peer).where(NonceRow.key_id == key_id, NonceRow.nonce == nonce)
        with self._database.read() as db:
            return frozenset(db.scalars(used))

    def is_kicked(self, slug: str) -> bool:
        """Whether the stream's last session ended by a kick, so lately that nobody is let in."""
        newest = select(SessionRow).where(SessionRow.slug == slug, SessionRow.admitted_at.is_not(None))
        with self._database.read() as db:
            row = db.scalars(newest.order_by(SessionRow.id.desc()).limit(1)).one_or_none()
            if row is None or row.ended_at is None or row.ending is None or not row.ending.startswith("kicked"):
                return False
            return self._here.seconds_since(row.ended_at, row.ended_monotonic, row.boot_id) < KICK_SECONDS

    def kicked(self) -> frozenset[str]:
        """The streams that are so."""
        since = self._here.clock.now() - _CLOCK_STEP
        lately = select(SessionRow.slug).where(SessionRow.ended_at >= since, SessionRow.ending.startswith("kicked"))
        with self._database.read() as db:
            slugs = set(db.scalars(lately))
        return frozenset(filter(self.is_kicked, slugs))

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
