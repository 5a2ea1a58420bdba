"""What Prometheus scrapes of the hook app: GET /metrics, on loopback only.

Labels are streams of this origin and words of this program, never anything that a stranger sent.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from headend import __version__
from headend.model.facts import StreamFacts
from hooks_app.announcement_metrics import announcement_metrics
from hooks_app.backup import listed
from hooks_app.bit_rates import BitRates
from hooks_app.database import Database
from hooks_app.encoder_progress import EncoderProgress
from hooks_app.ledger import Ledger
from hooks_app.recording_metrics import recording_metrics
from hooks_app.session_view import SessionView
from hooks_app.states import OVER_STATES, State
from hooks_app.tables import SessionRow

# The encoder's attach is in it: half a second is common, two are nginx's patience.
HOOK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
# What is promised is a limit of its own: 50 ms for 99 of 100.
OWN_BUCKETS = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0)
WRITE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(slots=True)
class Ending:
    """How a hook ended."""

    outcome: str = "failed"
    """done, refused or unavailable; failed for what nobody foresaw."""
    attach_seconds: float = 0.0
    """How long the encoder took to attach."""


class Metrics:
    """Counts what happens, and looks at the rest when it is asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._hooks = Histogram(
            "headend_hook_seconds",
            "Time to answer nginx-rtmp's hooks, the encoder's attach included.",
            ("hook", "outcome"),
            buckets=HOOK_BUCKETS,
            registry=self.registry,
        )
        self._own = Histogram(
            "headend_hook_own_seconds",
            "Time to say yes or no to nginx-rtmp's hooks, the encoder's attach left out.",
            ("hook",),
            buckets=OWN_BUCKETS,
            registry=self.registry,
        )
        self._writes = Histogram(
            "headend_database_write_seconds",
            "Time of a write to the database, the wait for its lock and the commit included.",
            buckets=WRITE_BUCKETS,
            registry=self.registry,
        )
        self._refused = Counter(
            "headend_publish_refused", "Publishers that were refused, by reason.", ("reason",), registry=self.registry
        )
        self._repairs = Counter(
            "headend_reconcile_repairs", "What the reconcile loop had to mend.", ("repair",), registry=self.registry
        )

    @contextmanager
    def hook(self, name: str) -> Iterator[Ending]:
        """Time a hook; what it yields is told how it ended."""
        began, ending = time.monotonic(), Ending()
        try:
            yield ending
        finally:
            seconds = time.monotonic() - began
            self._hooks.labels(name, ending.outcome).observe(seconds)
            # While something does not work, what is waited for is that.
            if ending.outcome in ("done", "refused"):
                self._own.labels(name).observe(max(0.0, seconds - ending.attach_seconds))

    def wrote(self, seconds: float) -> None:
        """A write to the database ended, well or not."""
        self._writes.observe(seconds)

    def refused(self, reason: str) -> None:
        """A publisher was refused; the reason is one of this program's own sentences."""
        self._refused.labels(reason).inc()

    def repaired(self, repair: str) -> None:
        """The reconcile loop mended something."""
        self._repairs.labels(repair).inc()

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scrape(Collector):
    """Everything that is looked at, not counted."""

    database: Database
    ledger: Ledger
    streams: Mapping[str, StreamFacts]
    progress: EncoderProgress
    bit_rates: BitRates
    segment_age_seconds: Callable[[StreamFacts], tuple[float | None, ...]]
    reconcile_age_seconds: Callable[[], float]
    state_file: Path | None
    media_root: Path
    backup_folder: Path | None
    build_file: Path | None

    def collect(self) -> Iterable[Metric]:
        """One look."""
        yield _gauge("headend_app_info", "The release that runs.", ("version",), [((__version__,), 1.0)])
        yield _gauge("headend_reconcile_age_seconds", "Since the last whole reconcile round.", (), [
            ((), self.reconcile_age_seconds())
        ])  # fmt: skip
        try:
            sessions, admitted = self.ledger.current(), self._admitted()
            yield _gauge("headend_database_up", "Whether the database answers.", (), [((), 1.0)])
            yield from self._of_sessions(sessions)
            yield from announcement_metrics(self.database)
            yield from recording_metrics(self.database)
            total = CounterMetricFamily("headend_sessions", "Sessions that were on air.", labels=("protocol",))
            for protocol, count in admitted:
                total.add_metric((protocol,), count)
            yield total
        except SQLAlchemyError:
            yield _gauge("headend_database_up", "Whether the database answers.", (), [((), 0.0)])
        yield from self._of_encoders()
        yield from self._of_disks()
        yield from self._of_build()

    def _admitted(self) -> list[tuple[str, int]]:
        query = select(SessionRow.protocol, func.count()).where(SessionRow.admitted_at.is_not(None))
        with self.database.read() as db:
            return [(protocol, count) for protocol, count in db.execute(query.group_by(SessionRow.protocol))]

    def _of_sessions(self, sessions: Mapping[str, SessionView]) -> Iterator[Metric]:
        states = {slug: sessions[slug].state if slug in sessions else State.OFFLINE for slug in self.streams}
        yield _gauge(
            "headend_stream_state",
            "1 for the state of the stream's session, 0 for the others.",
            ("stream", "state"),
            [((slug, state.value), float(is_now is state)) for slug, is_now in states.items() for state in State],
        )
        yield _gauge(
            "headend_streams",
            "Streams by the state of their session.",
            ("state",),
            [((state.value,), float(list(states.values()).count(state))) for state in State],
        )
        yield _gauge(
            "headend_session_seconds",
            "How long the session that is on air has lasted.",
            ("stream",),
            [
                ((slug,), self.ledger.seconds(view))
                for slug, view in sessions.items()
                if view.state not in OVER_STATES and slug in self.streams
            ],
        )

    def _of_encoders(self) -> Iterator[Metric]:
        said = {slug: found for slug in self.streams if (found := self.progress.of(slug)) is not None}
        for name, about, value in (
            (
                "headend_encoder_speed",
                "Media seconds that the encoder makes a second, over the last 30 s; below 1 it falls behind.",
                "speed",
            ),
            ("headend_encoder_fps", "Frames that the encoder makes a second, over the last 30 s.", "fps"),
            ("headend_encoder_dropped_frames", "Frames dropped in this run of the encoder.", "dropped_frames"),
            ("headend_encoder_duplicated_frames", "Frames doubled in this run of the encoder.", "duplicated_frames"),
        ):
            known = [(slug, number) for slug, one in said.items() if (number := getattr(one, value)) is not None]
            yield _gauge(name, about, ("stream",), [((slug,), float(number)) for slug, number in known])
        rates = [((slug,), rate / 8) for slug in self.streams if (rate := self.bit_rates.of(slug)) is not None]
        yield _gauge(
            "headend_publisher_bytes_per_second", "What the publisher sends, over the last 10 s.", ("stream",), rates
        )
        ages = [
            ((slug, name), age)
            for slug, stream in self.streams.items()
            for name, age in zip(stream.renditions, self.segment_age_seconds(stream), strict=True)
            if age is not None
        ]
        yield _gauge(
            "headend_segment_age_seconds", "Age of the newest segment of each rendition.", ("stream", "rendition"), ages
        )

    def _of_disks(self) -> Iterator[Metric]:
        places = {"media": self.media_root, "state": self.state_file.parent if self.state_file else None}
        free, size = [], []
        for name, place in places.items():
            try:
                about = os.statvfs(place) if place is not None else None
            except OSError:
                continue
            if about is not None:
                free.append(((name,), float(about.f_bavail * about.f_frsize)))
                size.append(((name,), float(about.f_blocks * about.f_frsize)))
        yield _gauge("headend_disk_free_bytes", "Room that is left where this lies.", ("place",), free)
        yield _gauge("headend_disk_size_bytes", "All of the room there.", ("place",), size)
        if self.state_file is not None and self.state_file.exists():
            bytes_ = float(self.state_file.stat().st_size)
            yield _gauge("headend_database_bytes", "Size of the database's file.", (), [((), bytes_)])
        if self.backup_folder is not None and (backups := listed(self.backup_folder)):
            age = max(0.0, time.time() - backups[0].path.stat().st_mtime)
            yield _gauge("headend_backup_age_seconds", "Age of the newest backup.", (), [((), age)])

    def _of_build(self) -> Iterator[Metric]:
        try:
            build = json.loads(self.build_file.read_bytes()) if self.build_file else {}
            sample = ((str(build["build_id"]),), float(bool(build["stale"])))
        except (OSError, ValueError, KeyError, TypeError):
            # A host without nginx of ours: a control host on its own.
            return
        yield _gauge("headend_build_stale", "Whether nginx was built from older sources.", ("build_id",), [sample])


def _gauge(
    name: str, about: str, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
