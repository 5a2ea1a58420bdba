"""Does the parser read tables as the standard says, and survive everything else?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srt_remux.opening import Opening, has_sps
from srt_remux.transport_stream import MAX_SECTION, PACKET, Program, Stream, Tables, packets
from tests.support import transport_stream as ts

H264 = (ts.H264, ts.VIDEO_PID, b"")
AAC = (ts.AAC, ts.SOUND_PID, b"")


def read(data: bytes) -> Tables:
    """The tables in some bytes."""
    tables = Tables()
    for packet in packets(data)[0]:
        tables.take(packet)
    return tables


def test_a_program_with_picture_and_sound() -> None:
    program = read(ts.tables(H264, AAC)).first_with_video()
    assert program == Program(1, (Stream(ts.VIDEO_PID, "h264"), Stream(ts.SOUND_PID, "aac")))


@pytest.mark.parametrize(
    "kind,descriptors,codec",
    [
        pytest.param(0x03, b"", "mpeg-audio", id="mp2"),
        pytest.param(0x0F, b"", "aac", id="aac adts"),
        pytest.param(0x11, b"", "aac-latm", id="aac latm"),
        pytest.param(0x81, b"", "ac3", id="ac-3 atsc"),
        pytest.param(0x87, b"", "eac3", id="e-ac-3 atsc"),
        pytest.param(0x06, b"\x6a\x01\x00", "ac3", id="ac-3 dvb"),
        pytest.param(0x06, b"\x0a\x04eng\x00\x7a\x01\x00", "eac3", id="e-ac-3 dvb after a language"),
        pytest.param(0x06, b"\x05\x04Opus\x7f\x02\x80\x02", "opus", id="opus"),
        pytest.param(0x06, b"\x05\x04HEVC", "hevc", id="hevc by registration"),
        pytest.param(0x06, b"\x59\x08eng\x10\x00\x01\x00\x01", "", id="subtitles"),
        pytest.param(0x06, b"\x05", "", id="cut descriptor"),
        pytest.param(0x24, b"", "hevc", id="hevc"),
        pytest.param(0x02, b"", "mpeg2video", id="mpeg-2"),
        pytest.param(0x15, b"", "", id="metadata"),
    ],
)
def test_codecs(kind: int, descriptors: bytes, codec: str) -> None:
    assert read(ts.tables((kind, 0x120, descriptors))).programs[ts.PMT_PID].streams == (Stream(0x120, codec),)


def test_the_first_program_with_a_picture_is_chosen() -> None:
    data = ts.packets(0, b"\x00" + ts.pat({1: 0x30, 2: 0x31, 3: 0x32}))
    data += ts.packets(0x32, b"\x00" + ts.pmt([H264], 3)) + ts.packets(0x30, b"\x00" + ts.pmt([AAC], 1))
    assert read(data).first_with_video() is None
    data += ts.packets(0x31, b"\x00" + ts.pmt([H264], 2))
    program = read(data).first_with_video()
    assert program is not None
    assert program.number == 2


def test_a_table_over_several_packets() -> None:
    streams = [H264, *((ts.AAC, 0x200 + n, b"\x0a\x04eng\x00") for n in range(40))]
    data = ts.packets(0, b"\x00" + ts.pat({1: ts.PMT_PID})) + ts.packets(ts.PMT_PID, b"\x00" + ts.pmt(streams))
    assert len(read(data).programs[ts.PMT_PID].streams) == 41


def test_a_wrong_crc_is_not_believed() -> None:
    data = bytearray(ts.tables(H264))
    data[-1] ^= 1
    assert read(bytes(data)).programs == {}


def test_a_table_of_another_program_is_not_believed() -> None:
    data = ts.packets(0, b"\x00" + ts.pat({1: ts.PMT_PID})) + ts.packets(ts.PMT_PID, b"\x00" + ts.pmt([H264], 9))
    assert read(data).programs == {}


@given(st.binary(max_size=400).filter(lambda junk: 0x47 not in junk))
def test_the_rhythm_is_found_after_junk(junk: bytes) -> None:
    assert read(junk + 2 * ts.tables(H264, AAC)).first_with_video() is not None


@given(st.integers(1, 3 * PACKET))
def test_bytes_may_come_in_any_pieces(size: int) -> None:
    data, tables, used = ts.tables(H264, AAC) * 3, Tables(), 0
    for end in range(size, len(data) + size, size):
        found, used = packets(data[:end], used)
        for packet in found:
            tables.take(packet)
    assert tables.first_with_video() is not None


@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_any_bytes_are_survived(data: bytes, start: int) -> None:
    found, used = packets(data, min(start, len(data)))
    assert min(start, len(data)) <= used <= len(data)
    assert all(len(packet.payload) <= PACKET for packet in found)


@given(st.lists(st.tuples(st.sampled_from([0, ts.PMT_PID, ts.VIDEO_PID, ts.SOUND_PID]), st.binary(max_size=184))))
def test_any_payload_is_survived(payloads: list[tuple[int, bytes]]) -> None:
    tables, opening = Tables(), Opening(ts.VIDEO_PID, ts.SOUND_PID)
    data = ts.tables(H264, AAC) + b"".join(ts.packets(pid, payload) for pid, payload in payloads)
    for packet in packets(data)[0]:
        tables.take(packet)
        opening.take(packet)
    assert opening.seconds >= 0
    assert sum(map(len, tables._partial.values())) <= 65 * (MAX_SECTION + PACKET)


@given(st.binary(max_size=3000), st.data())
def test_flipped_bytes_are_survived(noise: bytes, data: st.DataObject) -> None:
    stream = bytearray(ts.tables(H264, AAC) + ts.unit(ts.VIDEO_PID, ts.SPS, 0) + ts.unit(ts.SOUND_PID, ts.ADTS, 0))
    for byte in noise:
        stream[data.draw(st.integers(0, len(stream) - 1))] = byte
    tables, opening = Tables(), Opening(ts.VIDEO_PID, ts.SOUND_PID)
    for packet in packets(bytes(stream))[0]:
        tables.take(packet)
        opening.take(packet)


def test_the_opening_begins_at_the_tables_before_the_keyframe() -> None:
    early = ts.unit(ts.VIDEO_PID, ts.SLICE, 0) * 2
    data = early + ts.tables(H264, AAC) + ts.unit(ts.VIDEO_PID, b"\x00\x00\x01\x09" + bytes(300) + ts.SPS, 3003)
    opening = Opening(ts.VIDEO_PID, ts.SOUND_PID)
    for packet in packets(data)[0]:
        opening.take(packet)
    assert (opening.entry, opening.complete) == (len(early), False)


def test_times_over_the_wrap_of_the_clock() -> None:
    opening = Opening(ts.VIDEO_PID, None)
    for packet in packets(b"".join(ts.unit(ts.VIDEO_PID, ts.SPS, tick) for tick in (2**33 - 45000, 45000)))[0]:
        opening.take(packet)
    assert opening.seconds == 1.0


@pytest.mark.parametrize(
    "data,found",
    [(ts.SPS, True), (b"\x00\x00\x01\x27", True), (ts.SLICE, False), (b"\x00\x00\x01", False), (b"", False)],
)
def test_sps(data: bytes, found: bool) -> None:
    assert has_sps(data) is found
