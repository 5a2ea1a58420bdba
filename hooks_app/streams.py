"""The streams of this origin: those that the spec declares, and those that were made at run time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from sqlalchemy import select

from headend.model.facts import HookFacts, LadderFacts, StreamFacts
from hooks_app import handover
from hooks_app.database import Database
from hooks_app.here import Stamp
from hooks_app.tables import OwnerRow, StreamRow


class StreamRegistry(Mapping[str, StreamFacts]):
    """A mapping by slug, declared streams first. What the spec declares wins over a stream of the same name."""

    def __init__(self, facts: HookFacts, database: Database) -> None:
        self._facts = facts
        self._database = database
        self._ladders = {ladder.name: ladder for ladder in facts.ladders}
        self._guard = threading.Lock()
        self._streams: dict[str, StreamFacts] = {stream.slug: stream for stream in facts.streams}

    def __getitem__(self, slug: str) -> StreamFacts:
        return self._streams[slug]

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def declare(self, stamp: Stamp) -> None:
        """Write down what the spec declares, once at the start. Raises SQLAlchemyError.

        Of a stream that has left it or has another owner now, the old owner's keys and plans end (handover.py).
        """
        now = stamp.at
        declared = {stream.slug: stream for stream in self._facts.streams}
        with self._database.write() as db:
            for name in sorted({"site", *(stream.owner for stream in declared.values())}):
                if db.get(OwnerRow, name) is None:
                    db.add(OwnerRow(name=name, title=name, created_at=now))
            db.flush()
            for slug, stream in declared.items():
                row = db.get(StreamRow, slug) or StreamRow(slug=slug, owner=stream.owner, created_at=now)
                if row.owner != stream.owner:
                    handover.release(db, row, stamp, actor=handover.BY_SPEC, reason=handover.OWNER_CHANGED)
                row.title, row.ladder, row.owner = stream.title, stream.ladder, stream.owner
                row.declared, row.removed_at = True, None
                db.add(row)
            dropped = select(StreamRow).where(StreamRow.declared, StreamRow.removed_at.is_(None))
            for row in db.scalars(dropped):
                if row.slug not in declared:
                    by_spec = {"actor": handover.BY_SPEC, "reason": handover.REMOVED}
                    handover.release(db, row, stamp, **by_spec, keys_too=False)
                    row.removed_at = now
        self.reload()

    def reload(self) -> None:
        """See what was made and removed at run time, on this host or another. Raises SQLAlchemyError."""
        made = select(StreamRow).where(StreamRow.declared.is_(False), StreamRow.removed_at.is_(None))
        streams = {stream.slug: stream for stream in self._facts.streams}
        with self._database.read() as db:
            for row in db.scalars(made.order_by(StreamRow.created_at, StreamRow.slug)):
                if row.slug not in streams and (ladder := self._ladders.get(row.ladder)) is not None:
                    streams[row.slug] = self._run_time(row, ladder)
        with self._guard:
            # A new dict each time: whoever iterates goes on with the old one.
            self._streams = streams

    def _run_time(self, row: StreamRow, ladder: LadderFacts) -> StreamFacts:
        return StreamFacts(
            slug=row.slug,
            title=row.title,
            renditions=ladder.renditions,
            segment_seconds=ladder.segment_seconds,
            playlist=f"{self._facts.public_url}/streams/{row.slug}/index.m3u8",
            srt_admit=self._facts.srt_admit,
            ladder=row.ladder,
            owner=row.owner,
            reconnect_grace_seconds=ladder.reconnect_grace_seconds,
            ad_hoc_events=self._facts.ad_hoc_events,
        )
