"""Names of what MPEG-TS carries, by stream type and descriptor.

Sources: ISO/IEC 13818-1 table 2-34, ETSI EN 300 468 table 12, the registration descriptor's public list (SMPTE-RA), and
for Opus the mapping that FFmpeg and OBS write.
"""

from __future__ import annotations

from collections.abc import Iterator

VIDEO = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vvc", "av1", "vc1", "jpeg2000", "avs", "avs2"})

AUDIO = frozenset({"aac", "aac-latm", "mpeg-audio", "ac3", "eac3", "opus", "dts", "truehd", "s302m"})

_BY_TYPE = {
    0x01: "mpeg1video",
    0x02: "mpeg2video",
    0x03: "mpeg-audio",
    0x04: "mpeg-audio",
    0x0F: "aac",
    0x10: "mpeg4",
    0x11: "aac-latm",
    0x1B: "h264",
    0x1C: "aac-latm",
    0x21: "jpeg2000",
    0x24: "hevc",
    0x33: "vvc",
    0x42: "avs",
    0x81: "ac3",
    0x82: "dts",
    0x83: "truehd",
    0x84: "eac3",
    0x85: "dts",
    0x86: "dts",
    0x87: "eac3",
    0xD2: "avs2",
    0xEA: "vc1",
}

_REGISTRATION = 0x05

_BY_REGISTRATION = {
    b"AC-3": "ac3",
    b"EAC3": "eac3",
    b"Opus": "opus",
    b"BSSD": "s302m",
    b"DTS1": "dts",
    b"DTS2": "dts",
    b"DTS3": "dts",
    b"HEVC": "hevc",
    b"VVC ": "vvc",
    b"AV01": "av1",
    b"VC-1": "vc1",
}

_BY_DESCRIPTOR = {0x6A: "ac3", 0x7A: "eac3", 0x7B: "dts", 0x7C: "aac-latm"}


def name(stream_type: int, descriptors: bytes) -> str:
    """Name of a codec; "" for data, subtitles and what nobody knows."""
    if stream_type in _BY_TYPE:
        return _BY_TYPE[stream_type]
    # Private data: a descriptor says what it is.
    for tag, body in _descriptors(descriptors):
        if tag == _REGISTRATION and body[:4] in _BY_REGISTRATION:
            return _BY_REGISTRATION[body[:4]]
        if stream_type == 0x06 and tag in _BY_DESCRIPTOR:
            return _BY_DESCRIPTOR[tag]
    return ""


def _descriptors(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(data):
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
