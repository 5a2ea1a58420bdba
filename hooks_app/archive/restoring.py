"""Brings files back from the store, when somebody asked for them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import structlog

from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.folders import Folder, NotOursError, words_of
from hooks_app.archive.restores import ToRestore
from hooks_app.archive.store import StoppedError, Store, StoreError
from hooks_app.clock import Clock

LEASE_SECONDS = 3600.0
"""Renewed while bytes come; a crash lets go of it at the next start."""
RENEW_SECONDS = 60.0

log = structlog.get_logger(__name__)


class NoRoomError(Exception):
    """One sentence for people."""


class Restoring:
    """Fetches into a new file, which gets its name when its SHA-256 is right."""

    def __init__(
        self, catalogue: Catalogue, store: Store, kept: Folder, clock: Clock, *, place: str, reserve_bytes: int
    ) -> None:
        """`place`: headend.model.store.place_of the store. `reserve_bytes` of the disk are for what is recorded."""
        self._place = place
        self._reserve_bytes = reserve_bytes
        self._catalogue = catalogue
        self._store = store
        self._kept = kept
        self._clock = clock

    def turn(self, stop: Callable[[], bool]) -> bool:
        """Bring back the recording that was asked for first; False where there is none. Raises SQLAlchemyError."""
        due = self._catalogue.to_restore(self._clock.now(), self._place, limit=1)
        if not due or not self._catalogue.lease(due[0].recording_id, LEASE_SECONDS):
            return False
        [wanted] = due
        try:
            self._restore(wanted, stop)
        except StoppedError:
            log.info("restore paused", recording=wanted.recording_id)
        except (StoreError, NotOursError, NoRoomError, OSError) as error:
            said = words_of(error)
            self._catalogue.put_off(wanted.recording_id, f"It could not be brought back: {said}")
            log.warning("restore failed", recording=wanted.recording_id, fault=said)
        finally:
            self._catalogue.release(wanted.recording_id)
        return True

    def _restore(self, wanted: ToRestore, stop: Callable[[], bool]) -> None:
        self._need(sum(file.bytes for file in wanted.files))
        renewed = time.monotonic()

        def moved() -> None:
            nonlocal renewed
            if time.monotonic() - renewed > RENEW_SECONDS:
                renewed = time.monotonic()
                self._catalogue.renew(wanted.recording_id, LEASE_SECONDS)

        with self._kept.inner(str(wanted.recording_id), make=True) as folder:
            for file in wanted.files:
                if stop():
                    return
                if folder.info(file.name) is not None:
                    # What a crash left of a removal, or of a restore: the store's copy is the one.
                    folder.remove(file.name)
                descriptor = folder.create(f"{file.name}.new")
                try:
                    self._store.fetch(file, descriptor, stop, moved)
                finally:
                    os.close(descriptor)
                folder.rename(f"{file.name}.new", file.name)
        self._catalogue.restored(wanted.recording_id, [file.id for file in wanted.files])
        log.info("recording restored", recording=wanted.recording_id, files=len(wanted.files))

    def _need(self, wanted_bytes: int) -> None:
        """Raises NoRoomError where nothing could be recorded any more with so much more on the disk."""
        info = self._kept.statvfs()
        missing = wanted_bytes + self._reserve_bytes - info.f_bavail * info.f_frsize
        if missing > 0:
            raise NoRoomError(f"the disk has too little room: {-(-missing // 1_000_000)} MB more would do.")
