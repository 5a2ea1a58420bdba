"""Makes MPEG-TS packet by packet: tables and access units as small as they can be, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence

PMT_PID, VIDEO_PID, SOUND_PID = 0x1000, 0x100, 0x101
H264, HEVC, MPEG2, AAC, AC3, PRIVATE = 0x1B, 0x24, 0x02, 0x0F, 0x81, 0x06

SPS = b"\x00\x00\x00\x01\x67\x64\x00\x1f"
SLICE = b"\x00\x00\x00\x01\x41\x9a\x00\x00"
# AAC-LC, 48 kHz, two channels.
ADTS = b"\xff\xf1\x4c\x80\x01\x7f\xfc"


def crc(data: bytes) -> int:
    """The CRC of sections (13818-1, annex A), bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def section(table: int, number: int, body: bytes) -> bytes:
    """A section of PAT or PMT with its CRC."""
    head = bytes([table]) + (0xB000 | (len(body) + 9)).to_bytes(2, "big") + number.to_bytes(2, "big") + b"\xc1\x00\x00"
    return head + body + crc(head + body).to_bytes(4, "big")


def pat(programs: dict[int, int]) -> bytes:
    """The association table: program numbers and the PIDs of their tables."""
    body = b"".join(number.to_bytes(2, "big") + (0xE000 | pid).to_bytes(2, "big") for number, pid in programs.items())
    return section(0, 1, body)


def pmt(streams: Sequence[tuple[int, int, bytes]], number: int = 1, info: bytes = b"") -> bytes:
    """A program's table; streams are (type, PID, descriptors)."""
    body = (0xE000 | VIDEO_PID).to_bytes(2, "big") + (0xF000 | len(info)).to_bytes(2, "big") + info
    for kind, pid, descriptors in streams:
        body += bytes([kind]) + (0xE000 | pid).to_bytes(2, "big") + (0xF000 | len(descriptors)).to_bytes(2, "big")
        body += descriptors
    return section(2, number, body)


def packets(pid: int, payload: bytes) -> bytes:
    """Packets that carry one section (with its pointer) or one access unit, the last one stuffed."""
    made, start = b"", 0x40
    while payload:
        part, payload = payload[:184], payload[184:]
        head = bytes([0x47, start | pid >> 8, pid & 0xFF])
        stuffing = 184 - len(part)
        if stuffing:
            field = bytes([stuffing - 1]) + (b"\x00" + b"\xff" * (stuffing - 2) if stuffing > 1 else b"")
            made += head + b"\x30" + field + part
        else:
            made += head + b"\x10" + part
        start = 0
    return made


def unit(pid: int, payload: bytes, ticks: int) -> bytes:
    """An access unit with a PTS, as packets."""
    stamp = bytes(
        [
            0x21 | ticks >> 29 & 0x0E,
            ticks >> 22 & 0xFF,
            ticks >> 14 & 0xFE | 1,
            ticks >> 7 & 0xFF,
            ticks << 1 & 0xFE | 1,
        ]
    )
    kind = 0xE0 if pid == VIDEO_PID else 0xC0
    return packets(pid, b"\x00\x00\x01" + bytes([kind]) + b"\x00\x00\x80\x80\x05" + stamp + payload)


def tables(*streams: tuple[int, int, bytes]) -> bytes:
    """PAT and PMT of one program."""
    return packets(0, b"\x00" + pat({1: PMT_PID})) + packets(PMT_PID, b"\x00" + pmt(streams))
