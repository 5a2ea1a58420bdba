"""The journey of a rendition's numbers: where each is typed, what follows from it, and every line that prints it.

A line prints a number exactly if it changes with the number: the spec is rendered again with another value for each
key, and the lines that differ are the places. So nothing has to be searched for, and nothing can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile, zip_longest
from typing import Any

from headend.artifact import Artifact
from headend.fault import Location, path_text
from headend.keys import spec_keys
from headend.layout import Layout
from headend.model.ladder import Ladder, Picture
from headend.model.rates import (
    BUFFER_SECONDS,
    MAXRATE_PERCENT,
    TS_PACKET_BYTES,
    TS_PAYLOAD_BYTES,
    TS_TABLES_BPS,
)
from headend.model.spec import Spec, Stream
from headend.places import Places
from headend.render import ROLES, render_role

TRANSPORT = f"x {TS_PACKET_BYTES} / {TS_PAYLOAD_BYTES} + {TS_TABLES_BPS}"
"""How headend.model.rates.in_transport_stream computes, in words."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A value as the file states it; `place` is None for a default."""

    path: str
    value: str
    unit: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Derived:
    """A number that follows, and from what."""

    name: str
    value: str
    formula: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A line of a rendered file that changes with the key."""

    key: str
    path: str
    line: int
    column: int
    """Where the line begins to differ, counted from 1."""
    text: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whether what the publisher sends is recorded, and which value says so."""

    records: bool
    said_by: Typed


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything about one rendition of one stream."""

    name: str
    typed: tuple[Typed, ...]
    derived: tuple[Derived, ...]
    printed: tuple[Printed, ...]
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class Subject:
    """The rendition that is asked about, and where its ladder stands in the spec."""

    spec: Spec
    stream: Stream
    rung: Picture

    @property
    def ladder(self) -> Ladder:
        return self.spec.ladders[self.stream.ladder]

    @property
    def ladder_location(self) -> Location:
        return ("ladders", self.stream.ladder)

    @property
    def rung_location(self) -> Location:
        if self.rung is self.ladder.source:
            return (*self.ladder_location, "source")
        names = [rendition.name for rendition in self.ladder.renditions]
        return (*self.ladder_location, "renditions", names.index(self.rung.name))

    def with_rung(self, key: str, value: object) -> Spec:
        """The spec with another value for one key of the rendition."""
        changed = self.rung.model_copy(update={key: value})
        if self.rung is self.ladder.source:
            return self.with_ladder("source", changed)
        renditions = tuple(changed if rung is self.rung else rung for rung in self.ladder.renditions)
        return self.with_ladder("renditions", renditions)

    def with_ladder(self, key: str, value: object) -> Spec:
        """The spec with this one stream and another value for one key of its ladder."""
        ladder = self.ladder.model_copy(update={key: value})
        return self.spec.model_copy(update={"streams": (self.stream,), "ladders": {self.stream.ladder: ladder}})


def journey(subject: Subject, places: Places, layout: Layout, keys: list[str] | None = None) -> Journey:
    """The journey of a rendition's numbers through files that `layout` places.

    `keys` are those whose printed lines are wanted, of the rendition or of its ladder; by default the rendition's.
    """
    return Journey(
        name=f"{subject.stream.slug}/{subject.rung.name}",
        typed=tuple(typed(subject, places)),
        derived=tuple(derived(subject.rung, subject.ladder.frame_rate)),
        printed=tuple(printed(subject, keys or list(type(subject.rung).model_fields), layout)),
        recorded=recorded(subject, places),
    )


def clock_keys() -> list[str]:
    return [key for key in Ladder.model_fields if key not in ("source", "renditions")]


def typed(subject: Subject, places: Places) -> Iterator[Typed]:
    for location, model, names in (
        (subject.rung_location, subject.rung, list(type(subject.rung).model_fields)),
        (subject.ladder_location, subject.ladder, clock_keys()),
    ):
        for name in names:
            here = (*location, name)
            key = spec_keys().at(here)
            place = str(places.value(here)) if places.has(here) else None
            yield Typed(path_text(here), str(getattr(model, name)), key.unit if key else "", place)


def recorded(subject: Subject, places: Places) -> Recorded:
    spec, stream = subject.spec, subject.stream
    location: Location = ("recordings", "record")
    value = str(spec.recordings.record).lower()
    if stream.record != "site":
        location, value = ("streams", spec.streams.index(stream), "record"), stream.record
    place = str(places.value(location)) if places.has(location) else None
    return Recorded(spec.records(stream), Typed(path_text(location), value, "", place))


def derived(rung: Picture, frame_rate: int) -> Iterator[Derived]:
    yield Derived("width", f"{rung.width} pixels", "height x 16 / 9, to the nearest even number")
    yield Derived("video_bps", f"{rung.video_bps} bit/s", "video_kbps x 1000")
    yield Derived("audio_bps", f"{rung.audio_bps} bit/s", "audio_kbps x 1000")
    yield Derived("maxrate_bps", f"{rung.maxrate_bps} bit/s", f"video_bps x {MAXRATE_PERCENT} %")
    yield Derived("bufsize_bits", f"{rung.bufsize_bits} bit", f"maxrate_bps x {BUFFER_SECONDS} s")
    peak, average = f"(maxrate_bps + audio_bps) {TRANSPORT}", f"(video_bps + audio_bps) {TRANSPORT}"
    yield Derived("peak_bandwidth_bps", f"{rung.peak_bandwidth_bps} bit/s", peak)
    yield Derived("average_bandwidth_bps", f"{rung.average_bandwidth_bps} bit/s", average)
    level = "the lowest level of H.264 table A-1 that holds size, frame rate, maxrate and bufsize"
    yield Derived("level", rung.level(frame_rate), level)
    yield Derived("codecs", rung.codecs(frame_rate), "profile, constraint flags and level (RFC 6381)")


def printed(subject: Subject, keys: list[str], layout: Layout) -> Iterator[Printed]:
    before = render_all(subject.with_ladder("frame_rate", subject.ladder.frame_rate), layout)
    for key in keys:
        if key in type(subject.rung).model_fields:
            changed = subject.with_rung(key, another(key, getattr(subject.rung, key)))
        else:
            changed = subject.with_ladder(key, another(key, getattr(subject.ladder, key)))
        yield from differences(key, before, render_all(changed, layout))


def another(key: str, value: Any) -> Any:
    """A value that differs: of a number twice as much, of a choice the next one, of a name a longer one."""
    if isinstance(value, int):
        return value * 2
    other = {"preset": ("veryfast", "faster"), "profile": ("high", "main"), "tune": ("zerolatency", "film")}
    return next((choice for choice in other.get(key, ()) if choice != value), f"{value}-other")


def render_all(spec: Spec, layout: Layout) -> dict[str, Artifact]:
    """Every file of every role, by path, but those of ladders: they are for streams that are not in the spec."""
    artifacts = (artifact for role in ROLES for artifact in render_role(spec, layout, role))
    return {one.path: one for one in artifacts if not one.path.startswith(f"{layout.config_dir}/ladders/")}


def differences(key: str, before: dict[str, Artifact], after: dict[str, Artifact]) -> Iterator[Printed]:
    for path, artifact in sorted(before.items()):
        old = artifact.text.splitlines()
        new = after[path].text.splitlines() if path in after else []
        for tag, start, end, low, high in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag in ("replace", "delete"):
                yield from lines(key, path, start, old[start:end], new[low:high])


def lines(key: str, path: str, start: int, old: list[str], new: list[str]) -> Iterator[Printed]:
    """The differing lines, without comments: a reason may change with a number, but it does not print it."""
    for index, (line, other) in enumerate(zip_longest(old, new[: len(old)], fillvalue="")):
        if not line.lstrip().startswith("# "):
            same = takewhile(lambda pair: pair[0] == pair[1], zip(line, other, strict=False))
            column = sum(1 for _ in same) + 1
            yield Printed(key, path, start + index + 1, column, line)
