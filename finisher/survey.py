"""A first look through the parts: what is in them, and how they would fit together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from finisher import flv
from finisher.fault import FaultError
from finisher.flv import AUDIO, VIDEO, Tag
from finisher.job import PartName

_BUFFER_BYTES = 1024 * 1024
_LATE_MILLISECONDS = 5000
_PAUSE_MILLISECONDS = 1000

WHAT = {VIDEO: "picture", AUDIO: "sound"}


@dataclass(slots=True)
class Track:
    """The frames of one kind in one part."""

    packets: int = 0
    first: float = 0.0
    """Milliseconds of the part's own clock at which its first frame belongs."""
    clamped: int = 0
    """Leading frames at 0. All but one belong before the part's first frame: nginx-rtmp has no times below 0."""
    step: float = 0.0
    """Milliseconds between two frames."""
    _after: int = 0
    _last: int = 0
    _sum: int = 0
    _steps: int = 0

    def take(self, milliseconds: int) -> None:
        """Count a frame."""
        if not self.packets:
            self.first = milliseconds
        if self.packets == self.clamped:
            self._after = milliseconds
            self.clamped += milliseconds == 0
        if self.packets and 0 < milliseconds - self._last <= _PAUSE_MILLISECONDS:
            self._sum += milliseconds - self._last
            self._steps += 1
        self._last = milliseconds
        self.packets += 1
        self.step = self._sum / self._steps if self._steps else self.step

    def settle(self, step: float) -> None:
        """Sound's frames have one length. It says where those belong that were sent late, after their keyframe."""
        self.step = step
        late = self.clamped * step
        if self.clamped < self.packets and late <= _LATE_MILLISECONDS:
            self.first = self._after - late
        else:
            self.clamped = 0


@dataclass(slots=True)
class Part:
    """One open file."""

    name: PartName
    descriptor: int
    bytes: int
    tracks: dict[int, Track] = field(default_factory=lambda: {VIDEO: Track(), AUDIO: Track()})
    opens: int | None = None
    """Milliseconds of its own clock at which its first picture is shown."""

    def tags(self) -> Iterator[Tag]:
        """The frames and configurations that go on; as nginx-rtmp does, none of the picture before a keyframe."""
        begun = False
        with open(os.dup(self.descriptor), "rb", buffering=_BUFFER_BYTES) as file:
            file.seek(0)
            for tag in flv.tags(file, self.name.name):
                if tag.kind not in self.tracks or not tag.body:
                    continue
                if tag.foreign_codec:
                    raise FaultError(
                        f"the {WHAT[tag.kind]} in {self.name.name} is {tag.foreign_codec}, not "
                        f"{'H.264' if tag.kind == VIDEO else 'AAC'}"
                    )
                if tag.is_configuration:
                    yield tag
                elif tag.is_frame and (begun or tag.kind == AUDIO or tag.is_keyframe):
                    begun = begun or tag.kind == VIDEO
                    yield tag


@dataclass(slots=True)
class Survey:
    """All parts that have frames."""

    parts: list[Part]
    configurations: dict[int, bytes]
    """The body of the tag, for each kind of which there are frames."""

    @property
    def bytes(self) -> int:
        """Of all parts together."""
        return sum(part.bytes for part in self.parts)

    def packets(self, kind: int) -> int:
        """Frames of a kind in all parts."""
        return sum(part.tracks[kind].packets for part in self.parts)


def survey(parts: Iterable[Part]) -> Survey:
    """Look through the parts. Raises FaultError where they cannot become one file."""
    found = Survey([], {})
    for part in parts:
        for tag in part.tags():
            if not tag.is_configuration:
                part.tracks[tag.kind].take(tag.milliseconds)
                if part.opens is None and tag.kind == VIDEO:
                    part.opens = tag.milliseconds + tag.shown_after_milliseconds
            elif found.configurations.setdefault(tag.kind, tag.body) != tag.body:
                raise FaultError(
                    f"the encoder changed its settings for the {WHAT[tag.kind]} by {part.name.name}: one file cannot "
                    f"hold both"
                )
        if part.tracks[VIDEO].packets or part.tracks[AUDIO].packets:
            found.parts.append(part)
    if not found.parts:
        raise FaultError("there is not one frame in its parts")
    _settle(found)
    return found


def _settle(found: Survey) -> None:
    for kind in (VIDEO, AUDIO):
        if not found.packets(kind):
            found.configurations.pop(kind, None)
        elif kind not in found.configurations:
            raise FaultError(f"the {WHAT[kind]} has no codec configuration")
    for part in found.parts:
        part.tracks[VIDEO].clamped = 0
        if AUDIO in found.configurations:
            part.tracks[AUDIO].settle(flv.aac_frame_milliseconds(found.configurations[AUDIO]))
