"""Brings files back from the store, when somebody asked for them."""

from __future__ import annotations

import os
from collections.abc import Callable

import structlog

from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.folders import Folder, NotOursError, words_of
from hooks_app.archive.restores import ToRestore
from hooks_app.archive.store import Store, StoreError
from hooks_app.clock import Clock

LEASE_SECONDS = 6 * 3600.0
"""Longer than a file takes; a crash lets go of it at the next start."""

log = structlog.get_logger(__name__)


class Restoring:
    """Fetches into a new file, which gets its name when its SHA-256 is right."""

    def __init__(self, catalogue: Catalogue, store: Store, kept: Folder, clock: Clock) -> None:
        self._catalogue = catalogue
        self._store = store
        self._kept = kept
        self._clock = clock

    def turn(self, stop: Callable[[], bool]) -> bool:
        """Bring back the recording that was asked for first; False where there is none. Raises SQLAlchemyError."""
        due = self._catalogue.to_restore(self._clock.now(), limit=1)
        if not due or not self._catalogue.lease(due[0].recording_id, LEASE_SECONDS):
            return False
        [wanted] = due
        try:
            self._restore(wanted, stop)
        except (StoreError, NotOursError, OSError) as error:
            said = words_of(error)
            self._catalogue.put_off(wanted.recording_id, f"It could not be brought back: {said}")
            log.warning("restore failed", recording=wanted.recording_id, fault=said)
        finally:
            self._catalogue.release(wanted.recording_id)
        return True

    def _restore(self, wanted: ToRestore, stop: Callable[[], bool]) -> None:
        with self._kept.inner(str(wanted.recording_id), make=True) as folder:
            for file in wanted.files:
                if stop():
                    return
                if folder.info(file.name) is not None:
                    # What a crash left of a removal, or of a restore: the store's copy is the one.
                    folder.remove(file.name)
                descriptor = folder.create(f"{file.name}.new")
                try:
                    self._store.fetch(file, descriptor)
                finally:
                    os.close(descriptor)
                folder.rename(f"{file.name}.new", file.name)
        self._catalogue.restored(wanted.recording_id, [file.id for file in wanted.files])
        log.info("recording restored", recording=wanted.recording_id, files=len(wanted.files))
