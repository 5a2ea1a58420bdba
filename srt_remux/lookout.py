"""Looks at what a caller sends before anybody takes it: MSG_PEEK leaves the bytes in the socket, for FFmpeg to read.

A unix socket holds some 100 to 400 kB (the sender's SO_SNDBUF), so a picture and the sound beside it usually fit. What
comes before the first picture that can be decoded alone is taken out: nobody could show it, and FFmpeg would have to
read on for a whole GOP to learn what the stream is. Time and bytes are bounded, whatever the caller sends.
"""

from __future__ import annotations

import select
import socket
import time
from typing import NamedTuple

from srt_remux.faults import FaultError
from srt_remux.opening import Adts, Opening
from srt_remux.transport_stream import Program, Stream, Tables, packets

SILENCE_SECONDS = 10.0
"""A caller that sends nothing for so long is given up."""

TABLES_SECONDS = 10.0
"""A program must be known so long after the first byte; broadcasters repeat the tables ten times a second."""

PATIENCE_SECONDS = 1.0
"""Other programs' tables, or a track of sound that was announced, are waited for so long."""

PICTURE_SECONDS = 20.0
"""A picture to begin with must come so long after the tables: twice the longest GOP that anybody should send."""

GARBAGE_BYTES = 1 << 20
"""So much without the rhythm of packets is not MPEG-TS."""

LOOK_BYTES = 1 << 19
HOLD_BYTES = 1 << 16
LOOK_EVERY_MS = 5
FULL_AFTER_SECONDS = 0.1

# Something that FFmpeg must find in the stream may lie beyond what was seen, by so much.
MARGIN_SECONDS = 0.04
UNSEEN_SECONDS = 1.0


class CallerLeftError(Exception):
    """The caller ended before anything could go on air: no fault of the stream."""


class Finding(NamedTuple):
    """What FFmpeg needs to be told."""

    video: Stream
    sound: Stream | None
    """The track to send; None without sound."""
    adts: Adts | None
    """The header of its first frame, if it is AAC."""
    analyze_seconds: float
    """How much of the stream FFmpeg must read to know all of it."""
    remarks: tuple[str, ...]
    """Sentences for the journal."""


class Lookout:
    """One look at one caller's stream."""

    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller
        self._poll = select.poll()
        self._poll.register(caller, select.POLLRDHUP)
        self._has_ended = False
        self._length = 0
        self._began = self._changed = time.monotonic()
        self._garbage = 0

    def look(self) -> Finding:
        """Wait until the stream can be handed to FFmpeg. Raises FaultError, or CallerLeftError."""
        program = self._program()
        video = program.video
        if video is None:
            raise FaultError("no-video", "no picture", "no picture in the stream: only sound or data")
        if video.codec != "h264":
            sentence = f"video is {video.codec}, and RTMP carries only h264: set the encoder to H.264"
            raise FaultError("video-codec", video.codec, sentence)
        return self._opening(program, video)

    def _program(self) -> Program:
        tables, used, has_rhythm = Tables(), 0, False
        first_byte: float | None = None
        while True:
            data = self._peek()
            new, used = packets(data, used)
            for packet in new:
                tables.take(packet)
            has_rhythm = has_rhythm or bool(new)
            if program := tables.first_with_video():
                return program
            first_byte = first_byte or (time.monotonic() if data else None)
            waited = time.monotonic() - first_byte if first_byte else 0.0
            if tables.programs and (self._has_ended or waited > PATIENCE_SECONDS):
                return tables.any_with_video() or next(iter(tables.programs.values()))
            self._end_of_search(has_rhythm, waited)
            if self._is_full:
                self._garbage += 0 if has_rhythm else used
                self._drop(used)
                used = 0

    def _end_of_search(self, has_rhythm: bool, waited: float) -> None:
        if self._has_ended:
            raise CallerLeftError("the caller left before it said what it sends")
        if not has_rhythm and (self._garbage > GARBAGE_BYTES or waited > TABLES_SECONDS):
            raise FaultError("no-program", "no sync", "this is not MPEG-TS: no packets of 188 bytes")
        if waited > TABLES_SECONDS:
            raise FaultError(
                "no-program", "no tables", f"no program table (PAT, PMT) in {TABLES_SECONDS:.0f} s of MPEG-TS"
            )
        if not self._length and time.monotonic() - self._began > SILENCE_SECONDS:
            raise FaultError("no-program", "silent", f"the caller sent nothing for {SILENCE_SECONDS:.0f} s")

    def _opening(self, program: Program, video: Stream) -> Finding:
        sound = program.sound[0] if program.sound else None
        deadline = time.monotonic() + PICTURE_SECONDS
        opening, used, has_entered_at = _new(video, sound), 0, 0.0
        while True:
            data = self._peek()
            new, used = packets(data, used)
            for packet in new:
                opening.take(packet)
            now = time.monotonic()
            if opening.entry is None:
                if self._has_ended:
                    raise CallerLeftError("the caller left before its first keyframe")
                if now > deadline:
                    sentence = f"no H.264 keyframe with its parameters in {PICTURE_SECONDS:.0f} s"
                    raise FaultError("no-video", "no keyframe", sentence)
                if used < HOLD_BYTES and not self._is_full:
                    continue
                self._drop(opening.latest_tables or used)
                opening, used = _new(video, sound), 0
            elif opening.entry:
                # The same again from there, so that times are counted from the first picture.
                self._drop(opening.entry)
                opening, used = _new(video, sound), 0
            else:
                has_entered_at = has_entered_at or now
                is_late = self._has_ended or now - has_entered_at > PATIENCE_SECONDS
                if opening.complete or is_late or self._is_full:
                    return _finding(program, video, sound, opening, is_silent=is_late and not opening.complete)

    def _peek(self) -> bytes:
        """All that is there, after a moment or at the caller's end; poll would not wait while bytes are there."""
        ended = self._poll.poll(LOOK_EVERY_MS)
        try:
            data = self._caller.recv(LOOK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            data = b""
        except ConnectionError:
            raise CallerLeftError("the caller was cut off") from None
        if len(data) != self._length:
            self._length, self._changed = len(data), time.monotonic()
        self._has_ended = bool(ended)
        return data

    @property
    def _is_full(self) -> bool:
        """Whether nothing more fits: the sender waits for us."""
        return self._length >= HOLD_BYTES and time.monotonic() - self._changed > FULL_AFTER_SECONDS

    def _drop(self, count: int) -> None:
        while count > 0:
            count -= len(self._caller.recv(count))
        self._length, self._changed = -1, time.monotonic()


def _new(video: Stream, sound: Stream | None) -> Opening:
    return Opening(video.pid, sound.pid if sound else None)


def _finding(program: Program, video: Stream, sound: Stream | None, opening: Opening, *, is_silent: bool) -> Finding:
    remarks = []
    if sound and is_silent:
        remarks.append(f"{sound.codec} is announced, but no sound comes: on air without it")
        sound = None
    elif sound is None:
        remarks.append("no sound in the stream")
    if len(program.sound) > 1 and sound:
        names = ", ".join(track.codec for track in program.sound)
        remarks.append(f"{len(program.sound)} tracks of sound ({names}): the first goes on air")
    seconds = opening.seconds + MARGIN_SECONDS if opening.complete or is_silent else UNSEEN_SECONDS
    return Finding(video, sound, opening.adts, seconds, tuple(remarks))
