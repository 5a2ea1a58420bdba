"""Leases: while somebody reads or writes a recording's files, nobody removes them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from hooks_app.archive.own_rows import OwnRows
from hooks_app.recording_tables import RecordingRow


class Leases(OwnRows):
    """Takes and gives back."""

    def lease(self, recording_id: int, seconds: float) -> bool:
        """Keep everybody from removing its files for so long; False where somebody else does so already."""
        now = self._here.clock.now()
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            if row.leased_until is not None and row.leased_until > now:
                return False
            row.leased_until = now + timedelta(seconds=seconds)
            return True

    def renew(self, recording_id: int, seconds: float) -> None:
        """Go on keeping them."""
        with self._database.write() as db:
            row = self._recording(db, recording_id)
            until = self._here.clock.now() + timedelta(seconds=seconds)
            row.leased_until = max(row.leased_until or until, until)

    def release(self, recording_id: int) -> None:
        """Let go of them."""
        with self._database.write() as db:
            self._recording(db, recording_id).leased_until = None

    def release_all(self) -> int:
        """At the start of this host's only archiver: what the one before it leased is nobody's. Returns how many."""
        leased = select(RecordingRow).where(
            RecordingRow.host == self._here.host, RecordingRow.leased_until.is_not(None)
        )
        with self._database.write() as db:
            rows = list(db.scalars(leased))
            for row in rows:
                row.leased_until = None
            return len(rows)
