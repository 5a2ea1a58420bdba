"""Rules of a ladder's clock: segments, GOPs and the window fit into each other."""

from __future__ import annotations

from collections.abc import Iterator

from headend.fault import Fault
from headend.model.ladder import Ladder
from headend.parts import LadderPart
from headend.places import Places

# A live playlist must never be shorter than three target durations (RFC 8216 6.2.2).
WINDOW_SEGMENTS_MINIMUM = 3


def ladder_faults(part: LadderPart, places: Places) -> Iterator[Fault]:
    """Faults of the clock, none when the clock could not be read."""
    if part.clock is None:
        return
    ladder, location = part.clock, part.location
    frames = ladder.segment_seconds * ladder.frame_rate
    whole = frames % ladder.gop_frames == 0
    if not whole:
        yield places.fault_at_value(
            (*location, "gop_frames"),
            f"a segment of {ladder.segment_seconds} s at {ladder.frame_rate} frames per second has {frames} frames, "
            f"not a whole number of GOPs of {ladder.gop_frames}",
            f"Use {alternatives(gop_choices(frames))}",
        )
    if ladder.first_segment_seconds > ladder.segment_seconds:
        yield places.fault_at_value(
            (*location, "first_segment_seconds"),
            f"the first segment of {ladder.first_segment_seconds} s is longer than "
            f"a segment of {ladder.segment_seconds} s",
            f"Use {ladder.segment_seconds} or less",
        )
    # The segmenter counts GOPs from the start of the stream: a short first one would move every border after it.
    elif whole and ladder.gop_frames < frames and ladder.first_segment_seconds < ladder.segment_seconds:
        yield places.fault_at_value(
            (*location, "first_segment_seconds"),
            f"a first segment of {ladder.first_segment_seconds} s is shorter than the others, "
            f"which works only when each of them is one GOP",
            f"Use {ladder.segment_seconds}, or set gop_frames to {frames}",
        )
    yield from window_faults(ladder, part, places)


def window_faults(ladder: Ladder, part: LadderPart, places: Places) -> Iterator[Fault]:
    location = (*part.location, "window_seconds")
    least = WINDOW_SEGMENTS_MINIMUM * ladder.segment_seconds
    if ladder.window_seconds < least:
        yield places.fault_at_value(
            location,
            f"a window of {ladder.window_seconds} s holds fewer than {WINDOW_SEGMENTS_MINIMUM} segments "
            f"of {ladder.segment_seconds} s",
            f"Use {least} or more",
        )
    elif rest := ladder.window_seconds % ladder.segment_seconds:
        below = ladder.window_seconds - rest
        yield places.fault_at_value(
            location,
            f"a window of {ladder.window_seconds} s is not a whole number of segments of {ladder.segment_seconds} s",
            f"Use {below} or {below + ladder.segment_seconds}",
        )


def gop_choices(frames: int) -> list[int]:
    """The longest GOPs, at most three, of which a segment holds a whole number."""
    rules = Ladder.model_json_schema()["properties"]["gop_frames"]
    low, high = rules["minimum"], rules["maximum"]
    return [gop for gop in range(min(frames, high), low - 1, -1) if frames % gop == 0][:3]


def alternatives(values: list[int]) -> str:
    """Values in words. Example: 60, 30 or 20."""
    texts = [str(value) for value in values]
    return " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
