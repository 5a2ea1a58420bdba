"""What the archiver of this host says of itself."""

from __future__ import annotations

from hooks_app.archive.own_rows import OwnRows, shortened
from hooks_app.recording_tables import ArchiverRow


class HostState(OwnRows):
    """Writes it down."""

    def note_archiver(
        self,
        *,
        free_bytes: int,
        total_bytes: int,
        recording_stopped: bool,
        store_fault: str | None,
        sent_bytes: int = 0,
    ) -> None:
        """It has turned. `sent_bytes`: since it said so last."""
        with self._database.write() as db:
            row = db.get(ArchiverRow, self._here.host) or ArchiverRow(host=self._here.host, sent_bytes=0)
            row.turned_at = self._here.clock.now()
            row.free_bytes, row.total_bytes = free_bytes, total_bytes
            row.recording_stopped = recording_stopped
            row.store_fault = shortened(store_fault) if store_fault else None
            row.sent_bytes += sent_bytes
            db.add(row)

    def note_pruned(self) -> None:
        """A prune run is through."""
        now = self._here.clock.now()
        with self._database.write() as db:
            row = db.get(ArchiverRow, self._here.host)
            if row is not None:
                row.pruned_at = now
