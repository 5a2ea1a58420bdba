"""The archiver: two loops over one catalogue. One looks after files and rows, one has the store on the line."""

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
PATIENCE_SECONDS = 900.0
"""One answer of the store, with every attempt for it, takes no longer."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Meter:
    """What the two loops tell each other."""

    _sent_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    store_beat: float = field(default_factory=time.monotonic)

    def sent(self, count: int) -> None:
        """So many bytes went to the store."""
        with self._lock:
            self._sent_bytes += count

    def take_sent(self) -> int:
        """What was sent since this was asked last."""
        with self._lock:
            taken, self._sent_bytes = self._sent_bytes, 0
            return taken

    def beat(self) -> None:
        """The store's loop turns."""
        self.store_beat = time.monotonic()

    def store_loop_turns(self) -> bool:
        """Whether it has beaten of late."""
        return time.monotonic() - self.store_beat < PATIENCE_SECONDS


@dataclass(slots=True)
class Looker:
    """Collects, finishes, prunes, and says how it is."""

    facts: RecordingFacts
    catalogue: Catalogue
    ladder: Ladder | None
    """Where the segments are wanted as well."""
    collector: Collector
    finishing: Finishing
    pruner: Pruner
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
            if self.pruner.is_full() or self.catalogue.removals_asked():
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
    """Uploads, restores, makes replays' URLs, and clears away uploads that nobody knows."""

    catalogue: Catalogue
    store: Store
    uploader: Uploader
    restoring: Restoring
    replaying: Replaying
    meter: Meter
    stop: Callable[[], bool]
    _swept_at: float = float("-inf")

    @property
    def fault(self) -> str | None:
        """What does not work between here and the store."""
        return self.uploader.fault or self.replaying.fault

    def turn(self) -> float:
        """One thing. Raises OSError and SQLAlchemyError."""
        self.meter.beat()
        self.replaying.turn()
        if self.restoring.turn(self.stop) or self.uploader.turn(self.stop):
            return 0.0
        now = time.monotonic()
        if now - self._swept_at > STALE_SECONDS:
            self._swept_at = now
            self._sweep()
        return IDLE_SECONDS

    def _sweep(self) -> None:
        try:
            aborted = self.store.abort_stale(self.catalogue.upload_ids(), STALE)
        except StoreError as error:
            log.warning("stale uploads not looked for", fault=str(error))
            return
        if aborted:
            log.info("stale uploads aborted", count=aborted)
