"""The archiver: loops over one catalogue. One looks after files and rows; the others may have the store on the line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from headend.model.facts import RecordingFacts
from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.collector import Collector
from hooks_app.archive.finishing import Finishing
from hooks_app.archive.ladder import Ladder
from hooks_app.archive.pruner import Pruner
from hooks_app.archive.replaying import Replaying
from hooks_app.archive.restoring import Restoring
from hooks_app.archive.store import Store, StoreError
from hooks_app.archive.uploader import Uploader

LOOK_SECONDS = 2.0
IDLE_SECONDS = 1.0
"""How soon the store's loop sees what there is to do."""
PRUNE_SECONDS = 60.0
"""How often the high water is looked at, and what somebody asked for."""
STALE_SECONDS = 6 * 3600.0
"""How often uploads that nobody knows are looked for."""
STALE = timedelta(hours=24)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Meter:
    """What was sent, from the loop that sends to the one that says how it is."""

    _sent_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, count: int) -> None:
        """So many bytes went to the store."""
        with self._lock:
            self._sent_bytes += count

    def take_sent(self) -> int:
        """What was sent since this was asked last."""
        with self._lock:
            taken, self._sent_bytes = self._sent_bytes, 0
            return taken


@dataclass(slots=True)
class Looker:
    """Collects, finishes, prunes this disk, and says how it is. It never waits for the store."""

    facts: RecordingFacts
    catalogue: Catalogue
    ladder: Ladder | None
    """Where the segments are wanted as well."""
    collector: Collector
    finishing: Finishing
    pruner: Pruner
    """One that removes nothing from the store."""
    meter: Meter
    store_fault: Callable[[], str | None]
    wake_store: Callable[[], None]
    _pruned_at: float = float("-inf")

    def turn(self) -> float:
        """One look. Raises OSError and SQLAlchemyError; the next goes on where this one stopped."""
        if self.ladder is not None:
            # Before what is over is closed.
            self.ladder.turn()
        collected = self.collector.collect()
        finished = self.finishing.turn(collected.unmoved)
        if finished:
            self.wake_store()
        events = self.catalogue.events_archived()
        for event_id in events:
            log.info("event archived", event_id=event_id)
        now = time.monotonic()
        if now - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = now
            if self.pruner.is_full() or self.pruner.is_asked():
                self.pruner.run()
        self._note()
        return LOOK_SECONDS

    def _note(self) -> None:
        disk = self.pruner.disk()
        self.catalogue.note_archiver(
            free_bytes=disk.free_bytes,
            total_bytes=disk.total_bytes,
            recording_stopped=disk.free_bytes < self.facts.settings.reserve_mib * 1024 * 1024,
            store_fault=self.store_fault(),
            sent_bytes=self.meter.take_sent(),
        )


@dataclass(slots=True)
class Keeper:
    """Uploads, restores, removes what somebody wants removed from the store, and clears away uploads of nobody."""

    catalogue: Catalogue
    store: Store
    uploader: Uploader
    restoring: Restoring
    pruner: Pruner
    beat: Callable[[], None]
    stop: Callable[[], bool]
    _pruned_at: float = float("-inf")
    _swept_at: float = float("-inf")

    def turn(self) -> float:
        """One thing. Raises OSError and SQLAlchemyError."""
        self.beat()
        now = time.monotonic()
        if now - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = now
            # Before uploads: one may take hours.
            if self.pruner.is_asked():
                self.pruner.run_remote(self.stop)
        if self.restoring.turn(self.stop) or self.uploader.turn(self.stop):
            return 0.0
        if now - self._swept_at > STALE_SECONDS:
            self._swept_at = now
            self._sweep()
        return IDLE_SECONDS

    def _sweep(self) -> None:
        try:
            aborted = self.store.abort_stale(self.catalogue.orphans, STALE)
        except StoreError as error:
            log.warning("stale uploads not looked for", fault=str(error))
            return
        if aborted:
            log.info("stale uploads aborted", count=aborted)


@dataclass(slots=True)
class Renewer:
    """Makes replays' URLs, however long an upload takes."""

    replaying: Replaying
    beat: Callable[[], None]

    def turn(self) -> float:
        """One look. Raises OSError and SQLAlchemyError."""
        self.beat()
        self.replaying.turn()
        return IDLE_SECONDS
