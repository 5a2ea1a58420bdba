"""Rules of the streams: one slug, one stream; and a ladder that exists."""

from __future__ import annotations

from collections.abc import Iterator

from headend.fault import Fault
from headend.near import nearest
from headend.parts import Parts
from headend.places import Places


def stream_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of the streams that could be read."""
    first: dict[str, int] = {}
    for location, stream in parts.streams:
        line = places.value((*location, "slug")).line
        if stream.slug in first:
            fault = f"'{stream.slug}' is already the slug of the stream in line {first[stream.slug]}"
            yield places.fault_at_value((*location, "slug"), fault, "Give each stream its own slug")
        first.setdefault(stream.slug, line)
        if stream.ladder not in parts.ladder_names:
            near = nearest(stream.ladder, parts.ladder_names)
            known = ", ".join(parts.ladder_names) or "none"
            remedy = f"Did you mean '{near}'?" if near else f"Ladders here: {known}"
            yield places.fault_at_value((*location, "ladder"), f"there is no ladder '{stream.ladder}'", remedy)
