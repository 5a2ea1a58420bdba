"""How a program begins: the first picture that can be decoded alone, the first sound, how long they take."""

from __future__ import annotations

from typing import NamedTuple

from srt_remux.transport_stream import PAT_PID, Packet

_SPS = 7
_CLOCK = 90_000
_WRAP = 1 << 33

# ADTS: sampling frequencies from this index on are 24 kHz and less. Sound for broadcast at such a rate is HE-AAC, whose
# upper half is hidden from the header (ISO/IEC 14496-3, 4.6.18: twice the rate after decoding).
_24_KHZ = 6


class Adts(NamedTuple):
    """The header of an AAC frame, as far as it decides what RTMP can carry."""

    object_type: int
    rate_index: int
    channels: int
    """Channel configuration; 0: inside the stream."""

    @property
    def is_plain(self) -> bool:
        """AAC-LC whose configuration a header can say: every player of RTMP knows it."""
        return self.object_type == 2 and self.rate_index < _24_KHZ and self.channels > 0


class Track:
    """What one PID has shown."""

    def __init__(self) -> None:
        self.units = 0
        """Access units (PES packets) that began."""
        self.first_time: int | None = None
        self.last_time = 0

    def begin(self, packet: Packet) -> bytes:
        """Count an access unit, note its time and return what follows its PES header."""
        data = packet.payload
        if len(data) < 9 or data[:3] != b"\x00\x00\x01":
            return b""
        self.units += 1
        flags, header = data[7], data[8]
        # DTS if there is one, else PTS (2.4.3.7).
        at = 14 if flags & 0xC0 == 0xC0 else 9
        if flags & 0x80 and len(data) >= at + 5:
            time = (data[at] & 0x0E) << 29 | data[at + 1] << 22 | (data[at + 2] & 0xFE) << 14
            time |= data[at + 3] << 7 | data[at + 4] >> 1
            self.first_time = time if self.first_time is None else self.first_time
            self.last_time = time
        return data[9 + header :]

    @property
    def seconds(self) -> float:
        """Time between the first unit and the last; 0 for a clock that jumped."""
        if self.first_time is None:
            return 0.0
        ticks = (self.last_time - self.first_time) % _WRAP
        return ticks / _CLOCK if ticks < 60 * _CLOCK else 0.0


class Opening:
    """Watches a program's packets from the start of what is at hand."""

    def __init__(self, video_pid: int, sound_pid: int | None) -> None:
        self.video = Track()
        self.sound = Track()
        self.adts: Adts | None = None
        self.entry: int | None = None
        """Offset of the packet to begin with: of the tables before the first picture that can be decoded alone."""
        self.latest_tables: int | None = None
        self._pids = (video_pid, sound_pid)
        self._unit_offset = 0
        self._tail = b""

    def take(self, packet: Packet) -> None:
        """Look at a packet."""
        video_pid, sound_pid = self._pids
        if packet.pid == video_pid:
            self._picture(packet)
        elif packet.pid == sound_pid and packet.is_start:
            data = self.sound.begin(packet)
            self.adts = self.adts or _adts(data)
        elif packet.pid == PAT_PID and packet.is_start and self.entry is None:
            self.latest_tables = packet.offset

    @property
    def complete(self) -> bool:
        """Whether FFmpeg, given the same bytes, finds all it must know: one whole picture and one unit of sound."""
        return self.entry is not None and (self._pids[1] is None or self.sound.units > 0)

    @property
    def seconds(self) -> float:
        """How long the longer of both tracks is, in its own time."""
        return max(self.video.seconds, self.sound.seconds)

    def _picture(self, packet: Packet) -> None:
        data = packet.payload
        if packet.is_start:
            data = self.video.begin(packet)
            self._unit_offset = packet.offset if self.latest_tables is None else self.latest_tables
            self._tail = b""
        if self.entry is not None:
            return
        # A start code may lie across two packets.
        data = self._tail + data
        if has_sps(data):
            self.entry = self._unit_offset
        self._tail = data[-3:]


def has_sps(data: bytes) -> bool:
    """Whether a sequence parameter set of H.264 begins in these bytes: only a picture to start from carries one."""
    at = data.find(b"\x00\x00\x01")
    while 0 <= at < len(data) - 3:
        if data[at + 3] & 0x9F == _SPS:
            return True
        at = data.find(b"\x00\x00\x01", at + 3)
    return False


def _adts(data: bytes) -> Adts | None:
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xF6 != 0xF0:
        return None
    return Adts(1 + (data[2] >> 6), data[2] >> 2 & 0x0F, (data[2] & 1) << 2 | data[3] >> 6)
