"""Moves finished recordings to the store, one after the other, and tells the catalogue when one is verified."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import structlog

from headend.model.recordings import Archive
from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.folders import Folder, NotOursError, words_of
from hooks_app.archive.journal import StoredFile
from hooks_app.archive.manifest import event_manifest, recording_manifest
from hooks_app.archive.object_keys import MANIFEST, event_key
from hooks_app.archive.progress import ToArchive
from hooks_app.archive.store import StoppedError, Store, StoreError
from hooks_app.archive.upload_journal import ChangedError
from hooks_app.clock import Clock

LEASE_SECONDS = 120.0
RENEW_SECONDS = 30.0

log = structlog.get_logger(__name__)


class Uploader:
    """Uploads. Its turn may take hours; the store beats all the while."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        kept: Folder,
        archive: Archive,
        clock: Clock,
        *,
        sent: Callable[[int], None],
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._kept = kept
        self._archive = archive
        self._clock = clock
        self._sent = sent
        self.fault: str | None = None
        """What the store said last, while it does not work."""

    def turn(self, stop: Callable[[], bool]) -> bool:
        """Archive the oldest recording that is due; False where there is none. Raises SQLAlchemyError."""
        due = self._catalogue.to_archive(self._clock.now(), self._archive, limit=1)
        if not due:
            return False
        [wanted] = due
        if not self._catalogue.lease(wanted.recording_id, LEASE_SECONDS):
            return False
        try:
            self._archive_one(wanted, stop)
            self.fault = None
        except StoppedError:
            log.info("archiving paused", recording=wanted.recording_id)
        except (StoreError, ChangedError, NotOursError, OSError) as error:
            fault = words_of(error)
            if isinstance(error, StoreError):
                self.fault = fault
            self._catalogue.put_off(wanted.recording_id, fault)
            log.warning("archiving failed", recording=wanted.recording_id, stream=wanted.slug, fault=fault)
        finally:
            self._catalogue.release(wanted.recording_id)
        return True

    def _archive_one(self, wanted: ToArchive, stop: Callable[[], bool]) -> None:
        with self._kept.inner(str(wanted.recording_id)) as folder:
            for file in wanted.files:
                if stop():
                    return
                self._upload(wanted, file, folder, stop)
        if stop():
            return
        self._tell(wanted)
        if self._catalogue.archived(wanted.recording_id):
            log.info("recording archived", recording=wanted.recording_id, stream=wanted.slug, prefix=wanted.prefix)

    def _tell(self, wanted: ToArchive) -> None:
        """Manifests beside the files, for whoever finds the bucket without our database."""
        known, about = self._catalogue.manifests(wanted.recording_id), {"recording": str(wanted.recording_id)}
        self._store.put_text(f"{wanted.prefix}/{MANIFEST}", recording_manifest(known.recording), about)
        if known.event is not None:
            key = event_key(self._archive.prefix, known.event.id)
            self._store.put_text(key, event_manifest(known.event, known.recordings), {"event": str(known.event.id)})

    def _upload(self, wanted: ToArchive, file: StoredFile, folder: Folder, stop: Callable[[], bool]) -> None:
        renewed = time.monotonic()

        def progress(count: int) -> None:
            nonlocal renewed
            self._sent(count)
            if time.monotonic() - renewed > RENEW_SECONDS:
                renewed = time.monotonic()
                self._catalogue.renew(wanted.recording_id, LEASE_SECONDS)

        descriptor = folder.open(file.name)
        try:
            self._store.upload(
                file, descriptor, self._catalogue, metadata=metadata_of(wanted, file), stop=stop, progress=progress
            )
        finally:
            os.close(descriptor)


def metadata_of(wanted: ToArchive, file: StoredFile) -> Mapping[str, str]:
    """What is written beside an object, so that it can be told without a catalogue."""
    return {
        "recording": str(wanted.recording_id),
        "stream": wanted.slug,
        "kind": file.kind,
        "started-at": f"{wanted.started_at:%Y-%m-%dT%H:%M:%SZ}",
    }
