"""Rules of the rungs of a ladder: an order that a player can follow, and claims that the encoder keeps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from headend.fault import Fault
from headend.model.ladder import Picture
from headend.parts import LadderPart, Rung
from headend.places import Places

# The ladder of Apple's HLS Authoring Specification spans 0.05 to 0.16 bit per pixel at 30 frames per second. A factor
# of about three on either side leaves room for slides, sport and 60 frames; beyond it there is a digit too many or too
# few.
BITS_PER_PIXEL_MINIMUM = 0.02
BITS_PER_PIXEL_MAXIMUM = 0.5
BITS_PER_PIXEL_USUAL = 0.08


def rung_faults(part: LadderPart, places: Places) -> Iterator[Fault]:
    """Faults of the rungs that could be read."""
    yield from order_faults(part.rungs, places)
    yield from name_faults(part.rungs, places)
    for rung in part.rungs:
        yield from preset_faults(rung, places)
        if part.clock:
            yield from density_faults(rung, part.clock.frame_rate, places)


def order_faults(rungs: list[Rung], places: Places) -> Iterator[Fault]:
    for (_, above), (location, rung) in pairwise(rungs):
        for key, unit in (("height", "pixels"), ("video_kbps", "kbit/s")):
            value, limit = getattr(rung, key), getattr(above, key)
            if value >= limit:
                yield places.fault_at_value(
                    (*location, key),
                    f"{value} is not below the {limit} {unit} of '{above.name}' above it",
                    f"Order renditions from the highest to the lowest; here use less than {limit}",
                )


def name_faults(rungs: list[Rung], places: Places) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for location, rung in rungs:
        place = places.value((*location, "name"))
        if rung.name in first:
            fault = f"'{rung.name}' is already the name of the rendition in line {first[rung.name]}"
            yield places.fault_at_value((*location, "name"), fault, "Give each rendition its own name")
        first.setdefault(rung.name, place.line)


def preset_faults(rung: Rung, places: Places) -> Iterator[Fault]:
    """ultrafast has no CABAC and no 8x8 transform: libx264 writes Constrained Baseline, whatever -profile says."""
    location, picture = rung
    if picture.preset == "ultrafast" and picture.profile != "baseline":
        key = "profile" if places.has((*location, "profile")) else "preset"
        yield places.fault_at_value(
            (*location, key),
            f"preset ultrafast cannot encode profile {picture.profile}: libx264 writes Constrained Baseline",
            "Use profile baseline, or preset superfast",
        )


def density_faults(rung: Rung, frame_rate: int, places: Places) -> Iterator[Fault]:
    location, picture = rung
    density = picture.bits_per_pixel(frame_rate)
    if BITS_PER_PIXEL_MINIMUM <= density <= BITS_PER_PIXEL_MAXIMUM:
        return
    low, usual, high = (kbps(picture, frame_rate, bits) for bits in BITS)
    few = "few" if density < BITS_PER_PIXEL_MINIMUM else "many"
    yield places.fault_at_value(
        (*location, "video_kbps"),
        f"{picture.video_kbps} kbit/s is {density:.3f} bit per pixel at {picture.width}x{picture.height} and "
        f"{frame_rate} frames per second, too {few} to be meant",
        f"Use {low} to {high}; {usual} is usual",
    )


BITS = (BITS_PER_PIXEL_MINIMUM, BITS_PER_PIXEL_USUAL, BITS_PER_PIXEL_MAXIMUM)


def kbps(picture: Picture, frame_rate: int, bits_per_pixel: float) -> int:
    """The bit rate that gives a pixel so many bits, rounded up to 10 kbit/s."""
    pixels = picture.width * picture.height * frame_rate
    return -int(-pixels * bits_per_pixel // 10_000) * 10
