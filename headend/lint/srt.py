"""Rules of SRT: limits that can be reached, and nothing said about callers that are not taken."""

from __future__ import annotations

from collections.abc import Iterator

from headend.fault import Fault
from headend.model.spec import Srt
from headend.parts import Parts
from headend.places import Places

SRT = ("ingest", "srt")

# What nginx@srt reads of the list that the hook app writes for it (nginx_modules/srt).
STREAMS_MAXIMUM = 1024


def srt_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of SRT's values, none when they could not be read."""
    if parts.srt is None:
        return
    yield from limit_faults(parts.srt, places)
    if parts.srt.enabled:
        yield from list_faults(len(parts.slugs), places)
        return
    for location, admit in parts.stream_admits:
        yield places.fault_at_value(
            location, f"'{admit}' admits nobody: SRT is off here", "Remove it, or set ingest.srt.enabled to true"
        )


def limit_faults(srt: Srt, places: Places) -> Iterator[Fault]:
    """A limit for one address that the limit for all of them never lets anybody reach."""
    if srt.max_callers_per_address <= srt.max_callers:
        return
    key = "max_callers_per_address" if places.has((*SRT, "max_callers_per_address")) else "max_callers"
    yield places.fault_at_value(
        (*SRT, key),
        f"{srt.max_callers_per_address} callers from one address are more than {srt.max_callers} in all",
        f"Use {srt.max_callers} or less for one address, or allow more in all",
    )


def list_faults(streams: int, places: Places) -> Iterator[Fault]:
    if streams > STREAMS_MAXIMUM:
        fault = f"{streams} streams are more than the {STREAMS_MAXIMUM} that SRT can admit"
        yield places.fault_at_key(("streams",), fault, "Use fewer, or set ingest.srt.enabled to false")
