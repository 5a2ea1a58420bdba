"""The manifest of an event, when one of its recordings leaves the store."""

from __future__ import annotations

from headend.model.recordings import Archive
from hooks_app.archive.manifest import event_manifest
from hooks_app.archive.manifests import ManifestRows
from hooks_app.archive.object_keys import event_key
from hooks_app.archive.store import Store


class EventManifests:
    """Writes them anew."""

    def __init__(self, catalogue: ManifestRows, store: Store, archive: Archive) -> None:
        self._catalogue = catalogue
        self._store = store
        self._archive = archive

    def without(self, recording_id: int) -> None:
        """Of its event, with the other recordings; none where there is no other. Raises StoreError."""
        event, others = self._catalogue.event_without(recording_id)
        if event is None:
            return
        key = event_key(self._archive.prefix, event.id)
        if others:
            self._store.put_text(key, event_manifest(event, others), {"event": str(event.id)})
        else:
            self._store.remove([key])
