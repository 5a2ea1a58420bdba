"""What the kernel drops for the SRT module: the very program of ngx_srt_filter.c, on sockets of ours."""

from __future__ import annotations

import ctypes
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import srt_handshake as srt
from tests.support.srt_handshake import Handshake, conclusion, extension, key_material, stream_id

# A C compiler.
pytestmark = pytest.mark.host

SOURCE = Path(__file__).resolve().parents[2] / "nginx_modules" / "srt" / "ngx_srt_filter.c"
PER_ADDRESS, IN_ALL, ADDRESSES, BLOCKS, TRUSTED = 3, 40, 512, 256, 128
PERIOD_MS, HOUR_MS = 1000, 3_600_000

SOUND = Handshake().packet()
END = srt.data(b"the end", destination=7)


class Filter:
    """A listener's socket with the filter on it."""

    def __init__(self, code: ctypes.CDLL, family: socket.AddressFamily, per_address: int, in_all: int) -> None:
        self._code, self._state = code, ctypes.create_string_buffer(65536)
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
        self.socket.settimeout(2)
        code.ngx_srt_filter_init(self._state, per_address, in_all)
        self.attach()

    def attach(self) -> None:
        assert self._code.ngx_srt_filter_attach(self._state, self.socket.fileno()) == 0

    def attempt(self, address: str, now_ms: int, times: int = 1) -> bool:
        """Whether a block began with one of the attempts; it is attached if so."""
        packed = _sockaddr(address)
        done = [self._code.ngx_srt_filter_attempt(self._state, packed, ctypes.c_int64(now_ms)) for _ in range(times)]
        self.attach()
        return any(done)

    def refuses(self, address: str) -> bool:
        return bool(self._code.ngx_srt_filter_refuses(self._state, _sockaddr(address)))

    def admitted(self, address: str, now_ms: int) -> None:
        self._code.ngx_srt_filter_admitted(self._state, _sockaddr(address), ctypes.c_int64(now_ms))
        self.attach()

    def expire(self, now_ms: int) -> bool:
        changed = self._code.ngx_srt_filter_expire(self._state, ctypes.c_int64(now_ms))
        self.attach()
        return bool(changed)

    def passes(self, packet: bytes, source: str = "127.0.0.1") -> bool:
        """Whether a packet from this address gets through; a second one that always does comes behind it."""
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as stranger:
            stranger.bind((source, 0))
            stranger.connect(("::1" if ":" in source else "127.0.0.1", self.socket.getsockname()[1]))
            stranger.send(packet)
            stranger.send(END)
        received = [self.socket.recv(2048)]
        while received[-1] != END:
            received.append(self.socket.recv(2048))
        return len(received) == 2


def _sockaddr(address: str) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    ahead = bytes(6 if family == socket.AF_INET6 else 2)
    return int(family).to_bytes(2, "little") + ahead + socket.inet_pton(family, address) + bytes(8)


MakeFilter = Callable[..., Filter]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("filter") / "filter.so"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run(["cc", *flags, "-o", str(library), str(SOURCE)], check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture
def make(code: ctypes.CDLL) -> Iterator[MakeFilter]:
    made: list[Filter] = []

    def start(
        family: socket.AddressFamily = socket.AF_INET, per_address: int = PER_ADDRESS, in_all: int = IN_ALL
    ) -> Filter:
        made.append(Filter(code, family, per_address, in_all))
        return made[-1]

    yield start
    for one in made:
        one.socket.close()


PASS = {
    "induction": SOUND,
    "conclusion": conclusion(1).packet(),
    "encrypted": conclusion(1, extension(srt.KMREQ, key_material()), stream_id(b"demo?u=ab12cd34")).packet(),
    "longest_id": conclusion(1, stream_id(b"x" * 512)).packet(),
    "group": conclusion(1, srt.group()).packet(),
    "congestion_control": conclusion(1, extension(srt.CONGESTION_CONTROL, b"file")).packet(),
    "version_4": conclusion(1, version=4).packet(),
    "eight_blocks": conclusion(1, *[stream_id(b"x")] * 7).packet(),
    "subtype": srt.control(srt.HANDSHAKE, SOUND[16:], subtype=1),
    "smallest_mss": conclusion(1, mss=232).packet(),
    "largest_mss": conclusion(1, mss=65535).packet(),
    "smallest_window": conclusion(1, flow_window=2).packet(),
    "largest_window": conclusion(1, flow_window=65536).packet(),
    "handshake_to_a_caller_on_air": Handshake(mss=0).packet(destination=5),
    "keepalive": srt.control(srt.KEEPALIVE, bytes(4)),
    "shutdown": srt.control(srt.SHUTDOWN, bytes(4), destination=5),
    "data": srt.data(bytes(1316), destination=5),
}

DROP = {
    "short": SOUND[:-1],
    "no_header": SOUND[:7],
    "nothing": b"",
    "mss_0": conclusion(1, mss=0).packet(),
    "mss_75": conclusion(1, mss=75).packet(),
    "mss_231": conclusion(1, mss=231).packet(),
    "mss_65536": conclusion(1, mss=65536).packet(),
    "mss_negative": conclusion(1, mss=0xFFFFFFFF).packet(),
    "window_1": conclusion(1, flow_window=1).packet(),
    "window_65537": conclusion(1, flow_window=65537).packet(),
    "window_2_28": conclusion(1, flow_window=1 << 28).packet(),
    "window_negative": conclusion(1, flow_window=0x80000000).packet(),
    "sequence": conclusion(1, sequence=0x80000000).packet(),
    "empty_filter": conclusion(1, extension(srt.FILTER, b"")).packet(),
    "filter": conclusion(1, extension(srt.FILTER, b"fec,cols:1000000,rows:1000000")).packet(),
    "filter_behind_others": conclusion(1, *[stream_id(b"x")] * 6, extension(srt.FILTER, b"fec")).packet(),
    "unknown_extension": conclusion(1, extension(9, b"")).packet(),
    "answer_extension": conclusion(1, extension(srt.HSRSP, bytes(12))).packet(),
    "nine_blocks": conclusion(1, *[stream_id(b"x")] * 8).packet(),
    "id_of_513_bytes": conclusion(1, stream_id(b"x" * 513)).packet(),
    "block_beyond_the_end": conclusion(1, extension(srt.STREAM_ID, b"demo", words=2)).packet(),
    "block_before_the_end": conclusion(1, extension(srt.STREAM_ID, b"demodemo", words=1)).packet(),
    "half_a_block": conclusion(1, b"\0\5").packet(),
    "agreement": conclusion(1, kind=srt.AGREEMENT).packet(),
    "waveahand": conclusion(1, kind=srt.WAVEAHAND).packet(),
    "a_refusal": conclusion(1, kind=1010).packet(),
}


@pytest.mark.parametrize("packet", PASS.values(), ids=PASS)
def test_what_passes(make: MakeFilter, packet: bytes) -> None:
    assert make().passes(packet)


@pytest.mark.parametrize("packet", DROP.values(), ids=DROP)
def test_what_is_dropped(make: MakeFilter, packet: bytes) -> None:
    assert not make().passes(packet)


def test_an_address_that_tries_too_often_waits_a_period(make: MakeFilter) -> None:
    filter_ = make()
    assert not filter_.attempt("127.0.0.2", 0, PER_ADDRESS)
    assert filter_.passes(SOUND, "127.0.0.2")
    assert filter_.attempt("127.0.0.2", 10)
    assert not filter_.passes(SOUND, "127.0.0.2")
    assert filter_.refuses("127.0.0.2")
    assert not filter_.refuses("127.0.0.3")
    assert filter_.passes(srt.data(bytes(1316), destination=5), "127.0.0.2")
    assert filter_.passes(SOUND, "127.0.0.3")
    assert not filter_.expire(PERIOD_MS)
    assert not filter_.passes(SOUND, "127.0.0.2")
    assert filter_.expire(PERIOD_MS + 10)
    assert filter_.passes(SOUND, "127.0.0.2")
    assert not filter_.attempt("127.0.0.2", PERIOD_MS + 20, PER_ADDRESS)


def test_each_block_of_an_address_lasts_twice_as_long_as_the_last(make: MakeFilter) -> None:
    filter_, now = make(), 0
    for seconds in (1, 2, 4, 8, 16, 16):
        assert filter_.attempt("127.0.0.2", now, PER_ADDRESS + 1)
        assert not filter_.expire(now + seconds * 1000 - 1)
        now += seconds * 1000
        assert filter_.expire(now)
    # Quiet for as long as the longest: the next is short again.
    filter_.expire(now + 16_000)
    assert filter_.attempt("127.0.0.2", now + 16_000, PER_ADDRESS + 1)
    assert filter_.expire(now + 17_000)


def test_attempts_are_forgotten_after_a_period(make: MakeFilter) -> None:
    filter_ = make()
    for second in range(10):
        assert not filter_.attempt("127.0.0.2", second * PERIOD_MS, PER_ADDRESS)


def test_an_ipv6_network_is_one_address(make: MakeFilter) -> None:
    filter_ = make(socket.AF_INET6)
    assert filter_.attempt("2001:db8::1", 0, 2) is False
    assert filter_.attempt("2001:db8::2", 0, 2)
    assert filter_.passes(SOUND, "::1")
    assert filter_.attempt("::1", 0, PER_ADDRESS + 1)
    assert not filter_.passes(SOUND, "::1")
    assert filter_.passes(SOUND, "127.0.0.1")


def test_ipv4_on_a_socket_of_ipv6(make: MakeFilter) -> None:
    filter_ = make(socket.AF_INET6)
    assert filter_.attempt("::ffff:127.0.0.2", 0, PER_ADDRESS + 1)
    assert not filter_.passes(SOUND, "127.0.0.2")
    assert filter_.passes(SOUND, "127.0.0.3")
    assert filter_.passes(SOUND, "::1")


def test_when_there_are_too_many_attempts_who_made_them_waits_and_others_do_not(make: MakeFilter) -> None:
    filter_ = make()
    assert not any(filter_.attempt(f"127.0.2.{number}", 0) for number in range(IN_ALL))
    assert filter_.attempt("127.0.1.0", 0)
    assert not any(filter_.passes(SOUND, f"127.0.2.{number}") for number in range(IN_ALL))
    assert not filter_.refuses("127.0.0.1")
    assert filter_.passes(SOUND, "127.0.0.1")
    assert filter_.passes(srt.data(bytes(1316), destination=5), "127.0.2.0")
    assert filter_.expire(PERIOD_MS)
    assert filter_.passes(SOUND, "127.0.2.0")


def test_when_there_are_too_many_attempts_who_made_one_is_not_among_those_who_made_most(make: MakeFilter) -> None:
    filter_ = make(per_address=20)
    assert not filter_.attempt("127.0.0.1", 0)
    assert not any(filter_.attempt(f"127.0.2.{number}", 0, 9) for number in range(4))
    assert filter_.attempt("127.0.2.0", 0, IN_ALL)
    assert all(filter_.refuses(f"127.0.2.{number}") for number in range(4))
    assert not filter_.refuses("127.0.0.1")
    assert filter_.passes(SOUND, "127.0.0.1")


def test_what_a_blocked_address_had_sent_before_counts_for_nobody(make: MakeFilter) -> None:
    filter_ = make()
    assert not filter_.attempt("127.0.0.1", 0)
    assert filter_.attempt("127.0.0.2", 0, PER_ADDRESS + 1)
    assert not filter_.attempt("127.0.0.2", 10, 100 * IN_ALL)
    assert not filter_.refuses("127.0.0.1")
    assert not filter_.refuses("127.0.0.3")
    assert filter_.passes(SOUND, "127.0.0.1")


def close(filter_: Filter, now_ms: int) -> None:
    """More blocks than there is room for."""
    for number in range(BLOCKS):
        assert filter_.attempt(f"10.0.0.{number}", now_ms, PER_ADDRESS + 1)
    assert not filter_.refuses("10.0.1.0")
    assert filter_.attempt("10.0.1.0", now_ms, PER_ADDRESS + 1)
    assert filter_.refuses("10.0.2.0")


def test_everybody_waits_when_there_are_too_many_blocks(make: MakeFilter) -> None:
    filter_ = make(in_all=10_000)
    assert filter_.passes(SOUND)
    close(filter_, 0)
    assert not filter_.passes(SOUND)
    assert filter_.passes(srt.data(bytes(1316), destination=5))
    assert filter_.expire(PERIOD_MS)
    assert filter_.passes(SOUND)


def test_who_has_proved_a_key_is_not_shut_out_with_strangers(make: MakeFilter) -> None:
    filter_ = make(in_all=10_000)
    filter_.admitted("127.0.0.1", 0)
    close(filter_, PERIOD_MS)
    assert not filter_.refuses("127.0.0.1")
    assert filter_.passes(SOUND, "127.0.0.1")
    assert not filter_.passes(SOUND, "127.0.0.2")
    # Its own limit holds for it too.
    assert filter_.attempt("127.0.0.1", PERIOD_MS, PER_ADDRESS + 1)
    assert not filter_.passes(SOUND, "127.0.0.1")


def test_who_has_proved_a_key_is_spared_when_there_are_too_many_attempts(make: MakeFilter) -> None:
    filter_ = make()
    assert not filter_.attempt("127.0.0.1", 0)
    filter_.admitted("127.0.0.1", 0)
    assert any(filter_.attempt(f"10.0.0.{number}", 0) for number in range(IN_ALL))
    assert filter_.refuses("10.0.0.0")
    assert filter_.passes(SOUND, "127.0.0.1")


def test_a_caller_who_comes_in_ends_the_block_of_its_address(make: MakeFilter) -> None:
    filter_ = make()
    assert filter_.attempt("127.0.0.1", 0, PER_ADDRESS + 1)
    filter_.admitted("127.0.0.1", 0)
    assert not filter_.refuses("127.0.0.1")
    assert filter_.passes(SOUND, "127.0.0.1")


def test_trust_ends_after_an_hour(make: MakeFilter) -> None:
    filter_ = make(in_all=10_000)
    filter_.admitted("127.0.0.1", 0)
    for now, trusted in (HOUR_MS - 1, True), (HOUR_MS + 20_000, False):
        filter_.expire(now)
        close(filter_, now)
        assert filter_.passes(SOUND, "127.0.0.1") is trusted


def test_the_oldest_trust_gives_way(make: MakeFilter) -> None:
    filter_ = make(in_all=10_000)
    filter_.admitted("127.0.0.1", 0)
    for number in range(TRUSTED):
        filter_.admitted(f"10.2.0.{number}", 1)
    close(filter_, 2)
    assert filter_.refuses("127.0.0.1")
    assert not filter_.refuses("10.2.0.0")


def test_everybody_waits_when_there_are_too_many_addresses(make: MakeFilter) -> None:
    filter_ = make(in_all=10_000)
    assert not any(filter_.attempt(f"10.0.{number >> 8}.{number & 255}", 0) for number in range(ADDRESSES))
    assert filter_.attempt("10.0.2.0", 0)
    assert not filter_.passes(SOUND)


def test_a_program_of_256_networks_is_taken_by_the_kernel(make: MakeFilter) -> None:
    filter_ = make(socket.AF_INET6, per_address=1, in_all=10_000)
    for number in range(BLOCKS):
        assert filter_.attempt(f"2001:db8:0:{number:x}::1", 0, 2)
    assert filter_.passes(SOUND, "::1")
