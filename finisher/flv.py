"""FLV, as far as nginx-rtmp writes it: Adobe's Video File Format Specification 10.1, annex E."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from finisher.fault import FaultError

AUDIO, VIDEO, SCRIPT = 8, 9, 18

_SIGNATURE = b"FLV\x01"
_HEADER_BYTES = 9
_TAG_HEADER_BYTES = 11
_SIZE_BYTES = 4

_KEYFRAME, _INFO = 1, 5
_AVC, _AAC = 7, 10
_CONFIGURATION, _FRAMES = 0, 1
_ENHANCED = 0x80

_SOUND = {0: "PCM", 1: "ADPCM", 2: "MP3", 3: "PCM", 7: "G.711", 8: "G.711", 9: "Enhanced RTMP", 11: "Speex", 14: "MP3"}

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_RATE_IN_FULL = 15
"""ISO/IEC 14496-3, 1.6.2.1."""


class Tag(NamedTuple):
    """One message: a frame, a codec's configuration, or words about the film."""

    kind: int
    """AUDIO, VIDEO or SCRIPT."""
    milliseconds: int
    body: bytes
    offset: int
    """Of the body, in its file."""

    @property
    def is_configuration(self) -> bool:
        """H.264's parameter sets, or AAC's AudioSpecificConfig."""
        return len(self.body) > 1 and self.body[1] == _CONFIGURATION

    @property
    def is_frame(self) -> bool:
        """Whether there is something to decode in it; an encoder's end of sequence is none."""
        if self.kind == VIDEO:
            return len(self.body) > 5 and self.body[1] == _FRAMES and self.body[0] >> 4 != _INFO
        return len(self.body) > 2 and self.body[1] == _FRAMES

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding can begin here, as the encoder says."""
        return self.kind == VIDEO and self.body[0] >> 4 == _KEYFRAME

    @property
    def shown_after_milliseconds(self) -> int:
        """From decoding to showing: pictures that depend on later ones."""
        return (int.from_bytes(self.body[2:5], "big") ^ 0x800000) - 0x800000 if self.kind == VIDEO else 0

    @property
    def foreign_codec(self) -> str:
        """What it is if not H.264 or AAC, else ""."""
        first = self.body[0] if self.body else 0
        if self.kind == VIDEO:
            if first & _ENHANCED:
                return "a codec of Enhanced RTMP"
            return "" if first & 0x0F == _AVC else f"FLV's video codec {first & 0x0F}"
        return "" if first >> 4 == _AAC else _SOUND.get(first >> 4, f"FLV's audio codec {first >> 4}")


def tags(file: BinaryIO, name: str) -> Iterator[Tag]:
    """Every whole tag. A file that ends in the middle of one, or in zeros, was cut by a crash, and no more is said.

    Raises FaultError where something else stands: what comes after it would be lost.
    """
    header = file.read(_HEADER_BYTES + _SIZE_BYTES)
    if len(header) < _HEADER_BYTES + _SIZE_BYTES:
        return
    if not header.startswith(_SIGNATURE) or header[5:] != b"\x00\x00\x00\x09" + bytes(_SIZE_BYTES):
        if any(header) or not _is_zero(file):
            raise FaultError(f"{name} is not FLV")
        return
    at = len(header)
    while len(header := file.read(_TAG_HEADER_BYTES)) == _TAG_HEADER_BYTES:
        size = int.from_bytes(header[1:4], "big")
        body = file.read(size)
        end = file.read(_SIZE_BYTES) if len(body) == size else b""
        is_tag = header[0] in (AUDIO, VIDEO, SCRIPT)
        if not is_tag or (len(end) == _SIZE_BYTES and int.from_bytes(end, "big") != size + _TAG_HEADER_BYTES):
            # Of a frame that was being written the head may be on the disk, and zeros for the rest.
            if any(end if is_tag else header + body + end) or not _is_zero(file):
                raise FaultError(f"{name} is damaged at byte {at}")
            return
        if len(body) < size:
            return
        milliseconds = int.from_bytes(header[7:8] + header[4:7], "big")
        yield Tag(header[0], milliseconds, body, at + _TAG_HEADER_BYTES)
        at += _TAG_HEADER_BYTES + size + _SIZE_BYTES


def _is_zero(file: BinaryIO) -> bool:
    """Whether nothing but zeros follows: a file that grew, and a power failure before its bytes were written."""
    return not any(any(block) for block in iter(lambda: file.read(65536), b""))


def head(*, video: bool, audio: bool) -> bytes:
    """The head of a file."""
    return _SIGNATURE + bytes((video | audio << 2,)) + b"\x00\x00\x00\x09" + bytes(_SIZE_BYTES)


def tag(kind: int, milliseconds: int, body: bytes) -> bytes:
    """One tag and its size after it."""
    time = milliseconds.to_bytes(4, "big")
    return b"".join(
        (
            bytes((kind,)),
            len(body).to_bytes(3, "big"),
            time[1:] + time[:1] + b"\x00\x00\x00",
            body,
            (len(body) + _TAG_HEADER_BYTES).to_bytes(_SIZE_BYTES, "big"),
        )
    )


def aac_frame_milliseconds(configuration: bytes) -> float:
    """How long a frame of this AAC is: 1024 samples. `configuration` is the body of its tag."""
    bits = int.from_bytes(configuration[2:10].ljust(8, b"\x00"), "big")
    index = bits >> 55 & 0x0F
    rate = bits >> 31 & 0xFFFFFF if index == _RATE_IN_FULL else (*_RATES, 0, 0)[index]
    return 1024_000 / rate if rate else 1024_000 / 48000
