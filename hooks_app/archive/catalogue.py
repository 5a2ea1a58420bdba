"""The catalogue of this host's recordings: each method is one transaction, and changes only rows of this host."""

from __future__ import annotations

from hooks_app.archive.archived_events import ArchivedEvents
from hooks_app.archive.host_state import HostState
from hooks_app.archive.intake import Intake
from hooks_app.archive.leases import Leases
from hooks_app.archive.manifests import ManifestRows
from hooks_app.archive.progress import Progress
from hooks_app.archive.removals import Removals
from hooks_app.archive.replay_rows import ReplayRows
from hooks_app.archive.restores import Restores
from hooks_app.archive.upload_journal import UploadJournal


class Catalogue(
    Intake, Progress, Leases, UploadJournal, ArchivedEvents, ManifestRows, ReplayRows, Restores, Removals, HostState
):
    """All of it, as the archiver uses it. It is a hooks_app.archive.journal.Journal."""
