"""The parts as one FLV, on one clock.

Not FFmpeg's concat demuxer: it takes the tracks of every file in the order of the first, and nginx-rtmp begins the
first part of a connection with the picture and the others with the sound. Of a film in six such parts 421 of 1,800
pictures were left, and not a word was said (measured, 5.1.9).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from finisher import flv
from finisher.clock import Clock
from finisher.fault import FaultError
from finisher.flv import AUDIO, VIDEO, Tag
from finisher.survey import Part, Survey

KEYFRAME_MILLISECONDS = 1500
"""Keyframes are remembered no closer than this: nobody looks for a scene more finely, and memory stays small."""

LONGEST_MILLISECONDS = 2**31 - 1
"""FLV's times have 32 bits, and some readers take them for signed."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A picture that can be decoded alone."""

    milliseconds: int
    """When it is shown."""
    part: Part
    offset: int
    length_bytes: int

    def body(self) -> bytes:
        """The body of its tag."""
        return os.pread(self.part.descriptor, self.length_bytes, self.offset)


class Join:
    """Everything of the parts, in the order in which it came."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.clock = Clock()
        self._keyframes: list[Keyframe] = []
        self._begins: dict[int, int] = {}

    def flv(self) -> Iterator[bytes]:
        """The bytes of the file. Raises FaultError if the parts are no more what they were at the first look."""
        configurations = self.survey.configurations
        yield flv.head(video=VIDEO in configurations, audio=AUDIO in configurations)
        for kind, body in configurations.items():
            yield flv.tag(kind, 0, body)
        yield from self._firsts()
        for part in self.survey.parts:
            self.clock.begin(part)
            for tag in part.tags():
                if tag.is_configuration:
                    continue
                time = self._time(part, tag)
                if self.clock.tracks[tag.kind].packets > 1:
                    yield flv.tag(tag.kind, time, tag.body)
        for kind, track in self.clock.tracks.items():
            if track.packets != self.survey.packets(kind):
                raise FaultError("the parts changed while they were read")

    def _firsts(self) -> Iterator[bytes]:
        """The first frame of each kind, with its own time: FFmpeg looks for sound that begins later only so long, and
        then takes its rate for 44,100 Hz.
        """
        clock = Clock()
        missing = set(self.survey.configurations)
        for part in self.survey.parts:
            clock.begin(part)
            for tag in part.tags():
                if tag.is_configuration:
                    continue
                time = clock.time(tag.kind, tag.milliseconds, tag.shown_after_milliseconds)
                if tag.kind in missing:
                    missing.remove(tag.kind)
                    yield flv.tag(tag.kind, time, tag.body)
                if not missing:
                    return

    def _time(self, part: Part, tag: Tag) -> int:
        time = self.clock.time(tag.kind, tag.milliseconds, tag.shown_after_milliseconds)
        if time > LONGEST_MILLISECONDS:
            raise FaultError(f"its clock runs past {LONGEST_MILLISECONDS // 86_400_000} days")
        shown = time + tag.shown_after_milliseconds
        self._begins.setdefault(tag.kind, shown)
        if tag.is_keyframe and (
            not self._keyframes or shown >= self._keyframes[-1].milliseconds + KEYFRAME_MILLISECONDS
        ):
            self._keyframes.append(Keyframe(shown, part, tag.offset, len(tag.body)))
        return time

    def keyframes(self) -> list[tuple[float, Keyframe]]:
        """Keyframes with the second of the finished file at which each is shown. After flv() is through."""
        begin = min(self._begins.values(), default=0)
        return [(max(0, keyframe.milliseconds - begin) / 1000, keyframe) for keyframe in self._keyframes]

    def seconds(self, kind: int) -> float:
        """From the first frame of a kind to the end of the last. After flv() is through."""
        track = self.clock.tracks[kind]
        return (track.end - (track.first or 0)) / 1000 if track.packets else 0.0
