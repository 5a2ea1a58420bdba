"""What Prometheus scrapes of the recordings."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import select

from hooks_app.backlog import Backlog, backlog
from hooks_app.database import Database
from hooks_app.recording_tables import ArchiverRow


def recording_metrics(database: Database) -> Iterator[Metric]:
    """One look. Nothing where no archiver ever ran. Raises SQLAlchemyError."""
    with database.read() as db:
        archivers = list(db.scalars(select(ArchiverRow).order_by(ArchiverRow.host)))
        if not archivers:
            return
        left = backlog(db)
    now = time.time()
    yield from _of_catalogue(left, now)
    yield from _of_archivers(archivers, now)


def _of_catalogue(left: Backlog, now: float) -> Iterator[Metric]:
    states = [((state.value,), float(count)) for state, count in left.states.items()]
    yield _gauge("headend_recordings", "Recordings by state.", ("state",), states)
    yield _gauge("headend_recordings_bytes", "Bytes of recordings by where they are.", ("place",), [
        (("local",), float(left.local_bytes)),
        (("waiting",), float(left.waiting_bytes)),
        (("verified",), float(left.verified_bytes)),
    ])  # fmt: skip
    yield _gauge("headend_recordings_waiting_sent_bytes", "Of those that wait, what the store has taken.", (), [
        ((), float(left.waiting_sent_bytes))
    ])  # fmt: skip
    yield _gauge("headend_recordings_unverified_files", "Files that the store has and nobody has compared.", (), [
        ((), float(left.unverified_files))
    ])  # fmt: skip
    since = left.oldest_unarchived_at
    age = max(0.0, now - since.timestamp()) if since is not None else 0.0
    about = "How long ago the recording was over that has waited longest to be archived; 0: none waits."
    yield _gauge("headend_recordings_oldest_unarchived_seconds", about, (), [((), age)])


def _of_archivers(archivers: list[ArchiverRow], now: float) -> Iterator[Metric]:
    def each(name: str, about: str, value: dict[str, float]) -> GaugeMetricFamily:
        return _gauge(name, about, ("host",), [((host,), number) for host, number in value.items()])

    yield each("headend_archiver_age_seconds", "Since the archiver last looked.", {
        row.host: now - row.turned_at.timestamp() for row in archivers
    })  # fmt: skip
    yield each("headend_recordings_disk_free_bytes", "Room on the disk with the recordings.", {
        row.host: float(row.free_bytes) for row in archivers
    })  # fmt: skip
    yield each("headend_recordings_disk_size_bytes", "All of the room there.", {
        row.host: float(row.total_bytes) for row in archivers
    })  # fmt: skip
    yield each("headend_recording_stopped", "Whether nothing is recorded because the disk is too full.", {
        row.host: float(row.recording_stopped) for row in archivers
    })  # fmt: skip
    yield each("headend_store_fault", "Whether the object store does not work, as it last said.", {
        row.host: float(row.store_fault is not None) for row in archivers
    })  # fmt: skip
    yield each("headend_prune_age_seconds", "Since the last prune run was through; absent before the first.", {
        row.host: now - row.pruned_at.timestamp() for row in archivers if row.pruned_at is not None
    })  # fmt: skip
    sent = CounterMetricFamily("headend_upload_sent_bytes", "Sent to the object store, ever.", labels=("host",))
    for row in archivers:
        sent.add_metric((row.host,), float(row.sent_bytes))
    yield sent


def _gauge(
    name: str, about: str, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
