"""A hundred thousand malformed packets: nobody dies, nothing swells, and an honest caller is let in beside them.

The crowd knows what is public: a stream and its key id, and neither passphrase nor signature.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import srt_handshake as srt
from tests.support.srt_handshake import Stranger, conclusion, extension, key_material, stream_id
from tests.support.srt_nginx import KEY, SrtServer, running_srt, srt_build
from tests.support.srt_strangers import MANY, flood, honest_callers, resident_kib
from tests.support.srt_upstream import Upstream, upstream

# The build alone takes most of a minute when the cache is cold.
pytestmark = [pytest.mark.host, pytest.mark.slow]

PACKETS = 100_000
MOST_KIB = 50 * 1024
MOST_SECONDS = 3.0

HONEST = tuple(f"honest-{number}" for number in range(8))
KNOWN = (
    f"#!::r=target,m=publish,u={KEY}".encode(),
    f"live/target?u={KEY}".encode(),
    f"#!::r=target,m=publish,u={KEY},exp=4102444800,nonce=abcdefgh,sig={'A' * 43}".encode(),
    b"#!::r=nobody,m=publish,u=x",
)


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


def honest_call(server: SrtServer, number: int) -> None:
    """One caller, let in within three seconds or never."""
    options = server.encrypted(HONEST[number % len(HONEST)], connect_ms=int(MOST_SECONDS * 1000))
    with server.connect(options) as caller:
        caller.send(b"\x47\x1f\xff\x10" + bytes(184))


def test_as_fast_as_loopback_allows(behind: Upstream) -> None:
    with running_srt(behind, "target", *HONEST) as server:
        worker, before = server.worker_pid, resident_kib(server.worker_pid)
        with honest_callers(lambda number: honest_call(server, number)) as waits:
            flood(server.srt_port, PACKETS, seed=1, known=KNOWN)
            grown = resident_kib(worker) - before
        assert waits.failures == []
        assert waits.longest < MOST_SECONDS
        assert server.worker_pids() == [worker]
        assert max(grown, resident_kib(worker) - before) < MOST_KIB
        honest_call(server, len(waits.seconds))


@pytest.mark.timeout(600)
def test_so_slow_that_the_kernel_keeps_none_back_with_sanitizers(behind: Upstream) -> None:
    # Limits that nobody reaches: libsrt and the module judge every packet that is a handshake at all.
    limits = "max_connections 1024 per_address=1024;"
    with running_srt(behind, "target", *HONEST, directives=limits, prefix=srt_build(sanitize=True)) as server:
        worker = server.worker_pid
        with honest_callers(lambda number: honest_call(server, number)) as waits:
            flood(server.srt_port, PACKETS, seed=2, known=KNOWN, sources=MANY, per_second=900)
        assert server.reports() == ""
        assert server.worker_pids() == [worker]
        assert waits.failures == []
        assert waits.longest < MOST_SECONDS
        # They were judged one by one, not dropped.
        assert sum(server.stat()["totals"]["refused"].values()) > PACKETS / 10
        honest_call(server, len(waits.seconds))


# Each ended or froze a process that has libsrt 1.5.1 in it, or took gigabytes of it, and needed no secret.
KILLERS = {
    "empty_packet_filter": conclusion(0, extension(srt.FILTER, b""), stream_id(KNOWN[0])),
    "big_packet_filter": conclusion(0, extension(srt.FILTER, b"fec,cols:99999,rows:99999"), stream_id(KNOWN[0])),
    "mss_44": conclusion(0, stream_id(KNOWN[0]), mss=44),
    "mss_75": conclusion(0, stream_id(KNOWN[0]), mss=75),
    "window_2_24": conclusion(0, extension(srt.KMREQ, key_material()), stream_id(KNOWN[0]), flow_window=1 << 24),
    "window_2_28": conclusion(0, extension(srt.KMREQ, key_material()), stream_id(KNOWN[0]), flow_window=1 << 28),
}


@pytest.fixture(scope="module")
def one_server() -> Iterator[SrtServer]:
    with upstream() as behind, running_srt(behind, "target", *HONEST, directives="enforced_encryption off;") as server:
        yield server


@pytest.mark.parametrize("name", KILLERS)
def test_one_packet_that_ends_libsrt_does_not_get_there(one_server: SrtServer, name: str) -> None:
    worker, before = one_server.worker_pid, resident_kib(one_server.worker_pid)
    with Stranger(one_server.srt_port, timeout=0.3) as stranger:
        packet = bytearray(KILLERS[name].packet())
        packet[44:48] = stranger.cookie().to_bytes(4, "big")
        stranger.send(bytes(packet))
        assert stranger.answer() is None
    honest_call(one_server, list(KILLERS).index(name))
    assert one_server.worker_pids() == [worker]
    assert resident_kib(worker) - before < MOST_KIB
