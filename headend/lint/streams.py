"""Rules of the streams: one slug, one stream; and a ladder that exists."""

from __future__ import annotations

from collections.abc import Iterator

from headend.fault import Fault, shown
from headend.near import nearest
from headend.parts import Parts
from headend.places import Places


def stream_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of those of the streams' values that could be read."""
    first: dict[str, int] = {}
    for location, slug in parts.slugs:
        if slug in first:
            fault = f"'{slug}' is already the slug of the stream in line {first[slug]}"
            yield places.fault_at_value(location, fault, "Give each stream its own slug")
        first.setdefault(slug, places.value(location).line)
    names = parts.ladder_names
    if names is None:
        return
    for location, ladder in parts.stream_ladders:
        if ladder not in names:
            near = nearest(ladder, names)
            known = ", ".join(map(shown, names)) or "none"
            remedy = f"Did you mean '{near}'?" if near else f"Ladders here: {known}"
            yield places.fault_at_value(location, f"there is no ladder '{ladder}'", remedy)
