"""MPEG-TS packets and the two tables that say what is in them (ISO/IEC 13818-1, 2.4.3.2 and 2.4.4).

The bytes come from a stranger: nothing here raises, loops or grows because of them. What is malformed is passed over,
as a receiver that lost packets would do.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from typing import NamedTuple

from srt_remux import codecs

PACKET = 188
SYNC = 0x47
PAT_PID = 0
NULL_PID = 0x1FFF

# 2.4.4: a section of these tables has at most 1021 bytes after its length field.
MAX_SECTION = 1024
MAX_PROGRAMS = 64
MAX_STREAMS = 64

# The CRC of 13818-1 takes the highest bit of a byte first, zlib's the lowest; otherwise they are one polynomial.
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Packet(NamedTuple):
    """One packet with its place."""

    offset: int
    """Bytes before it in the data that was given."""
    pid: int
    is_start: bool
    """A PES packet or a section begins in it."""
    payload: bytes


class Stream(NamedTuple):
    """One line of a program's table."""

    pid: int
    codec: str
    """A name of codecs.py; "" for what is neither picture nor sound."""


class Program(NamedTuple):
    """A program and its streams, in the table's order."""

    number: int
    streams: tuple[Stream, ...]

    @property
    def video(self) -> Stream | None:
        """The first picture."""
        return next((stream for stream in self.streams if stream.codec in codecs.VIDEO), None)

    @property
    def sound(self) -> tuple[Stream, ...]:
        """All tracks of sound."""
        return tuple(stream for stream in self.streams if stream.codec in codecs.AUDIO)


def packets(data: bytes, start: int = 0) -> tuple[list[Packet], int]:
    """Packets from `start` on, in order, and the offset of the first byte that was not used.

    Where the rhythm is lost, bytes are passed over until three packets in a row begin with the sync byte.
    """
    found: list[Packet] = []
    at = start
    while len(data) - at >= PACKET:
        if data[at] != SYNC or (at + PACKET < len(data) and data[at + PACKET] != SYNC):
            rhythm = _resync(data, at + 1)
            if rhythm < 0:
                # What is left may become a rhythm when more arrives.
                return found, max(at, len(data) - 2 * PACKET)
            at = rhythm
            continue
        packet = _packet(data, at)
        if packet is not None:
            found.append(packet)
        at += PACKET
    return found, at


def _resync(data: bytes, start: int) -> int:
    at = data.find(SYNC, start)
    while 0 <= at < len(data) - 2 * PACKET:
        if data[at + PACKET] == SYNC and data[at + 2 * PACKET] == SYNC:
            return at
        at = data.find(SYNC, at + 1)
    return -1


def _packet(data: bytes, at: int) -> Packet | None:
    second, third, fourth = data[at + 1 : at + 4]
    has_error, is_scrambled, has_payload = second & 0x80, fourth & 0xC0, fourth & 0x10
    if has_error or is_scrambled or not has_payload:
        return None
    skip = 4
    if fourth & 0x20:
        skip += 1 + data[at + 4]
    payload = data[at + skip : at + PACKET] if skip < PACKET else b""
    return Packet(at, (second & 0x1F) << 8 | third, bool(second & 0x40), payload)


class Tables:
    """Collects the program association table and the programs' own tables out of packets."""

    def __init__(self) -> None:
        self.pmt_pids: dict[int, int] = {}
        """PID of each program's table: its program number; in the order of the association table."""
        self.programs: dict[int, Program] = {}
        """What is known, by the PID of the table."""
        self._partial: dict[int, bytes] = {}

    def take(self, packet: Packet) -> None:
        """Look at a packet."""
        if packet.pid != PAT_PID and packet.pid not in self.pmt_pids:
            return
        data = self._partial.pop(packet.pid, b"")
        new = packet.payload
        if packet.is_start:
            # The pointer says how many bytes of it still belong to the section before.
            pointer = new[0] if new else 0
            if data:
                self._section(packet.pid, data + new[1 : 1 + pointer])
            data, new = b"", new[1 + pointer :]
            while new and new[0] != 0xFF and len(new) >= 3 and len(new) >= _section_length(new):
                length = _section_length(new)
                self._section(packet.pid, new[:length])
                new = new[length:]
            if new and new[0] != 0xFF:
                self._partial[packet.pid] = new
        elif data and len(data) + len(new) <= MAX_SECTION + PACKET:
            data += new
            if len(data) >= 3 and len(data) >= _section_length(data):
                self._section(packet.pid, data)
            else:
                self._partial[packet.pid] = data

    @property
    def complete(self) -> bool:
        """Whether every program that was announced has shown its table."""
        return bool(self.pmt_pids) and all(pid in self.programs for pid in self.pmt_pids)

    def first_with_video(self) -> Program | None:
        """The first program with a picture, if no program before it is still unknown."""
        for pid in self.pmt_pids:
            program = self.programs.get(pid)
            if program is None:
                return None
            if program.video:
                return program
        return None

    def any_with_video(self) -> Program | None:
        """The first program with a picture among those that have shown their table."""
        known = (self.programs[pid] for pid in self.pmt_pids if pid in self.programs)
        return next((program for program in known if program.video), None)

    def _section(self, pid: int, data: bytes) -> None:
        section = data[: _section_length(data)] if len(data) >= 3 else b""
        # Syntax, table id extension, version, numbers and CRC: twelve bytes. current_next_indicator: not yet valid.
        if len(section) < 12 or len(section) > MAX_SECTION or not section[5] & 1 or not _crc_is_right(section):
            return
        if pid == PAT_PID and section[0] == 0:
            self._association(section[8:-4])
        elif pid != PAT_PID and section[0] == 2 and len(section) >= 16:
            number = int.from_bytes(section[3:5], "big")
            if self.pmt_pids.get(pid) == number:
                self.programs[pid] = Program(number, tuple(_streams(section[8:-4])))

    def _association(self, body: bytes) -> None:
        pids: dict[int, int] = {}
        for at in range(0, len(body) - 3, 4):
            number = int.from_bytes(body[at : at + 2], "big")
            pid = int.from_bytes(body[at + 2 : at + 4], "big") & 0x1FFF
            # Number 0 is the network table's.
            if number and pid not in (PAT_PID, NULL_PID) and len(pids) < MAX_PROGRAMS:
                pids.setdefault(pid, number)
        if pids != self.pmt_pids:
            self.pmt_pids = pids
            self.programs = {}


def _section_length(data: bytes) -> int:
    return 3 + (int.from_bytes(data[1:3], "big") & 0x0FFF)


def _crc_is_right(section: bytes) -> bool:
    # Over the whole section with its CRC the remainder is zero; zlib inverts its result.
    return crc32(section.translate(_REVERSED_BITS)) == 0xFFFFFFFF


def _streams(body: bytes) -> Iterator[Stream]:
    at = 4 + (int.from_bytes(body[2:4], "big") & 0x0FFF)
    for _ in range(MAX_STREAMS):
        if at + 5 > len(body):
            return
        pid = int.from_bytes(body[at + 1 : at + 3], "big") & 0x1FFF
        length = int.from_bytes(body[at + 3 : at + 5], "big") & 0x0FFF
        yield Stream(pid, codecs.name(body[at], body[at + 5 : at + 5 + length]))
        at += 5 + length
