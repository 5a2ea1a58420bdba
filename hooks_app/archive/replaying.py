"""Gives what is archived the URLs by which it is watched, and new ones before those end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog

from headend.model.facts import HookFacts
from headend.model.recordings import Archive, Replay
from headend.model.store import place_of
from hooks_app.archive.replay_rows import Replayable, ReplayRows
from hooks_app.archive.store import Store, StoreError
from hooks_app.clock import Clock
from hooks_app.replays import made_by, proxied_url

ASK_SECONDS = 60.0
"""How soon a store is asked again that does not do what nginx@web needs."""

log = structlog.get_logger(__name__)


class Replaying:
    """Makes them; the store is asked only whether nginx@web can have pieces of it, once."""

    def __init__(
        self,
        catalogue: ReplayRows,
        store: Store,
        archive: Archive,
        replay: Replay,
        facts: HookFacts,
        clock: Clock,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` is called before each question to the store."""
        self._catalogue = catalogue
        self._store = store
        self._archive = archive
        self._replay = replay
        self._facts = facts
        self._clock = clock
        self._beat = beat
        self._place, self._made_by = place_of(archive), made_by(facts)
        self._asks_for_pieces = replay.mode == "proxied" and replay.pieces
        self._ask_at = float("-inf")
        self.fault: str | None = None
        """Why nothing can be watched that should be."""

    def turn(self) -> int:
        """One look; how many recordings have new ones. Raises SQLAlchemyError."""
        if self._replay.mode == "off":
            return 0
        now = self._clock.now()
        # Half of the time is left for whoever watches when the next ones are made.
        ahead = timedelta(hours=self._replay.presigned_hours) / 2
        due = self._catalogue.replays_due(now, ahead, self._place, self._made_by)
        if due and not self._pieces_are_had(due):
            return 0
        for one in due:
            try:
                self._renew(one, now)
            except StoreError as error:
                log.warning("no replay", recording=one.recording_id, fault=str(error))
        return len(due)

    def _pieces_are_had(self, due: Sequence[Replayable]) -> bool:
        """Else viewers would get the first piece for the whole file, without an error."""
        if not self._asks_for_pieces:
            return True
        if self._clock.monotonic() < self._ask_at:
            return False
        self._ask_at = self._clock.monotonic() + ASK_SECONDS
        for one in due:
            self._beat()
            try:
                mislabels = self._store.mislabels_pieces(one.keys[one.video_id])
            except StoreError as error:
                # It may be this one alone: somebody removed it, or it takes hours to read.
                log.warning("no replay", recording=one.recording_id, fault=str(error))
                continue
            words = "the store marks a piece of a file as the whole. Say recordings.replay.pieces: false, and deploy"
            self.fault, self._asks_for_pieces = words if mislabels else None, mislabels
            return not mislabels
        return False

    def _renew(self, one: Replayable, now: datetime) -> None:
        if self._replay.mode == "public":
            urls = {file_id: self._public(key) for file_id, key in one.keys.items()}
            self._catalogue.note_replay(one.recording_id, urls[one.video_id], None, urls, None, self._made_by)
            return
        seconds = self._replay.presigned_hours * 3600
        until = now + timedelta(seconds=seconds)
        urls = {file_id: self._store.presigned(key, seconds) for file_id, key in one.keys.items()}
        if self._replay.mode == "proxied":
            # The audience's own never changes; those of the store are for nginx@web.
            lasting = proxied_url(self._facts, one.recording_id, one.video_name)
            self._catalogue.note_replay(one.recording_id, lasting, None, urls, until, self._made_by)
        else:
            self._catalogue.note_replay(one.recording_id, urls[one.video_id], until, urls, until, self._made_by)

    def _public(self, key: str) -> str:
        below = key.removeprefix(f"{self._archive.prefix}/") if self._archive.prefix else key
        return f"{(self._replay.public_url or '').rstrip('/')}/{quote(below)}"
