"""One clock for all parts. Each part's own begins at 0, and a publisher's may jump."""

from __future__ import annotations

from collections import deque

from finisher.flv import AUDIO, VIDEO
from finisher.survey import Part

JUMP_FORWARD = 10_000.0
"""Milliseconds. Nothing for longer than this is a clock that jumped, or a pause, which is not padded."""

JUMP_BACK = 1000.0
"""Milliseconds. A frame so much earlier than the one before it is a clock that jumped."""

_AGREE = 250.0
"""Milliseconds. Picture and sound say where a part belongs; if they differ by more, sound was lost: it is not asked."""


class Track:
    """Where one kind of frames has got to. All in milliseconds."""

    def __init__(self) -> None:
        self.packets = 0
        self.first: int | None = None
        self.last = 0.0
        """Where the last frame belongs; it is rounded only when it is written."""
        self.time = -1
        """Where it was written."""
        self.step = 0.0
        self.raw: int | None = None
        """The part's own time of the last frame of this part."""
        self.late: deque[float] = deque()
        """Where its first frames belong, if that is not where they say."""

    @property
    def end(self) -> float:
        """When the next frame is due."""
        return self.last + self.step


class Clock:
    """Gives each frame its time."""

    def __init__(self) -> None:
        self.tracks = {VIDEO: Track(), AUDIO: Track()}
        self._offset = 0.0
        self._part: Part | None = None
        self._shown: float | None = None
        """When the latest picture so far is shown."""

    @property
    def end(self) -> float:
        """When the last frame is over."""
        return max((track.end for track in self.tracks.values() if track.packets), default=0.0)

    def begin(self, part: Part) -> None:
        """A part begins. Parts of a connection follow without a gap; between connections there was a pause."""
        firsts = {kind: track.first for kind, track in part.tracks.items() if track.packets}
        follows = self._part is not None and part.name.follows(self._part.name)
        self._offset = self._follow(firsts) if follows else self.end - min(firsts.values())
        if part.opens is not None and self._shown is not None and self._offset + part.opens <= self._shown:
            # The part before was cut among pictures that are decoded early and shown late: the disk was full.
            self._offset = self._shown + self.tracks[VIDEO].step - part.opens
        self._part = part
        for kind, track in self.tracks.items():
            track.raw = None
            seen = part.tracks[kind]
            track.step = seen.step or track.step
            track.late = deque(seen.first + number * seen.step for number in range(seen.clamped))

    def _follow(self, firsts: dict[int, float]) -> float:
        starts = {kind: self.tracks[kind].end - first for kind, first in firsts.items() if self.tracks[kind].packets}
        picture, sound = starts.get(VIDEO), starts.get(AUDIO)
        if picture is None:
            return sound if sound is not None else self.end - min(firsts.values())
        # A frame of sound has one length whatever the camera does: it tells the joint to the millisecond.
        return sound if sound is not None and abs(sound - picture) <= _AGREE else picture

    def time(self, kind: int, milliseconds: int, shown_after: int = 0) -> int:
        """When a frame of the part is to be decoded; later than the frame of its kind before it."""
        track = self.tracks[kind]
        out = self._offset + (track.late.popleft() if track.late else milliseconds)
        if track.raw == milliseconds:
            # The clock stands still, as nginx-rtmp writes one that went back to before the part began.
            out = max(out, track.end)
        if track.packets and out < track.last - JUMP_BACK:
            target = track.end
        elif self.end and out > self.end + JUMP_FORWARD:
            target = self.end
        else:
            target = out
        self._offset += target - out
        time = max(round(target), track.time + 1)
        track.first = time if track.first is None else track.first
        track.last, track.time, track.raw = target, time, milliseconds
        if kind == VIDEO:
            self._shown = max(time + shown_after, self._shown or 0.0)
        track.packets += 1
        return time
