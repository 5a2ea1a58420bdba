"""What Prometheus scrapes of the announcements."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select

from hooks_app.announcement_tables import AnnouncerRow, MessageRow, PlaceRow
from hooks_app.database import Database

WAITING = ("queued", "leased")


def announcement_metrics(database: Database) -> Iterator[Metric]:
    """One look. Nothing where no announcer ever ran. Raises SQLAlchemyError."""
    counted = select(MessageRow.destination, MessageRow.state, func.count(), func.min(MessageRow.made_at)).group_by(
        MessageRow.destination, MessageRow.state
    )
    with database.read() as db:
        announcer = db.get(AnnouncerRow, 1)
        if announcer is None:
            return
        rows = list(db.execute(counted))
        places = list(db.scalars(select(PlaceRow)))
    now = time.time()
    finished = CounterMetricFamily(
        "headend_announcements", "Messages that are finished, by what came of them.", labels=("destination", "outcome")
    )
    waiting = GaugeMetricFamily(
        "headend_announcements_waiting", "Messages that are not finished.", labels=("destination",)
    )
    oldest = GaugeMetricFamily(
        "headend_announcements_oldest_seconds", "Age of the oldest that is not finished.", labels=("destination",)
    )
    broken = GaugeMetricFamily(
        "headend_destination_broken", "Whether nothing is tried there until it is mended.", labels=("destination",)
    )
    for destination, state, count, _ in rows:
        if state not in WAITING:
            finished.add_metric((destination, state), count)
    for place in places:
        mine = [(count, made_at) for name, state, count, made_at in rows if name == place.name and state in WAITING]
        waiting.add_metric((place.name,), float(sum(count for count, _ in mine)))
        ages = [now - made_at.timestamp() for _, made_at in mine]
        oldest.add_metric((place.name,), max(ages, default=0.0))
        broken.add_metric((place.name,), float(place.broken_at is not None))
    yield from (finished, waiting, oldest, broken)
    on = GaugeMetricFamily("headend_announcer_on", "The kill switch.")
    on.add_metric((), float(announcer.on))
    yield on
    age = GaugeMetricFamily("headend_announcer_age_seconds", "Since the announcer last looked.")
    age.add_metric((), now - announcer.turned_at.timestamp() if announcer.turned_at else float("inf"))
    yield age
