"""Five thousand who begin a connection and never go on: no stranger holds a place, and what is held ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.support import srt_handshake as srt
from tests.support.srt_handshake import Handshake, Stranger, conclusion, extension, key_material, stream_id
from tests.support.srt_nginx import KEY, SrtServer, running_srt, wait_for
from tests.support.srt_strangers import FEW, MANY, Waits, descriptors, descriptors_at_rest, honest_callers, resident_kib
from tests.support.srt_upstream import Upstream, upstream

# The build alone takes most of a minute when the cache is cold.
pytestmark = [pytest.mark.host, pytest.mark.slow]

STRANGERS = 5000
# A handshake that libsrt refuses after it has looked at the key costs 450 kB for a second or two: 64 of them a second
# get that far, from few addresses less than from many, before the kernel keeps them back.
MOST_KIB, MOST_KIB_OF_MANY = 96 * 1024, 192 * 1024
MOST_SECONDS = 3.0
IDLE_SECONDS = 2

# An honest encoder of the same site comes and goes much more seldom; these limits are the default ones.
ALL, PER_ADDRESS = 32, 8

HONEST = tuple(f"honest-{number}" for number in range(4))
SILENT = tuple(f"silent-{number}" for number in range(ALL + PER_ADDRESS))
KNOWN = stream_id(f"#!::r=target,m=publish,u={KEY}".encode())


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture
def server(behind: Upstream) -> Iterator[SrtServer]:
    directives = f"peer_idle_timeout {IDLE_SECONDS}s; max_connections {ALL} per_address={PER_ADDRESS};"
    with running_srt(behind, "target", *HONEST, *SILENT, directives=directives) as server:
        yield server


def honest_call(server: SrtServer, number: int) -> None:
    """One caller, let in within three seconds or never."""
    options = server.encrypted(HONEST[number % len(HONEST)], connect_ms=int(MOST_SECONDS * 1000))
    with server.connect(options) as caller:
        caller.send(b"\x47\x1f\xff\x10" + bytes(184))


def begin(server: SrtServer, sources: Sequence[str], packets: Callable[[int], bytes]) -> None:
    """So many strangers from their own ports each say one thing after the first packet, and no more."""
    for number in range(STRANGERS):
        with Stranger(server.srt_port, timeout=0.005, source=sources[number % len(sources)]) as stranger:
            stranger.send(Handshake(socket_id=number + 1).packet())
            answer = stranger.answer()
            stranger.send(packets(answer.cookie if answer else 0))


STAGES: dict[str, Callable[[int], bytes]] = {
    "induction": lambda _: Handshake().packet(),
    "conclusion_without_a_key": lambda cookie: conclusion(cookie, KNOWN).packet(),
    "conclusion_with_a_wrong_key": lambda cookie: conclusion(
        cookie, extension(srt.KMREQ, key_material()), KNOWN
    ).packet(),
    "conclusion_with_a_wrong_cookie": lambda cookie: conclusion(cookie ^ 1, KNOWN).packet(),
}


def assert_unnoticed(server: SrtServer, waits: Waits, worker: int, held: int) -> None:
    """Honest callers came in all the time, and nothing is left of the others."""
    assert waits.failures == []
    assert waits.longest < MOST_SECONDS
    assert server.worker_pids() == [worker]
    wait_for(lambda: not server.sessions() and descriptors(worker) <= held, "somebody is still there", IDLE_SECONDS + 8)
    honest_call(server, 0)


@pytest.mark.parametrize("sources, most_kib", [(FEW, MOST_KIB), (MANY, MOST_KIB_OF_MANY)], ids=["few", "many"])
@pytest.mark.parametrize("stage", STAGES)
def test_strangers_who_do_not_go_on_hold_nothing(
    server: SrtServer, stage: str, sources: Sequence[str], most_kib: int
) -> None:
    worker, before = server.worker_pid, resident_kib(server.worker_pid)
    held = descriptors_at_rest(worker)
    with honest_callers(lambda number: honest_call(server, number)) as waits:
        begin(server, sources, STAGES[stage])
        assert all(session["slug"] in HONEST for session in server.sessions())
    assert resident_kib(worker) - before < most_kib
    assert_unnoticed(server, waits, worker, held)


def test_authorised_callers_who_fall_silent_hold_their_places_only_for_the_idle_time(
    server: SrtServer, behind: Upstream
) -> None:
    worker, before = server.worker_pid, resident_kib(server.worker_pid)
    held = descriptors_at_rest(worker)
    with ExitStack() as stack:
        answers = []
        # Three addresses at most fill their shares, so that one place is left for another.
        for number, slug in enumerate(SILENT):
            source = f"127.0.2.{1 + number // (PER_ADDRESS + 2)}"
            stranger = stack.enter_context(Stranger(server.srt_port, source=source))
            stranger.send(conclusion(stranger.cookie(), stream_id(server.signed_id(slug).encode())).packet())
            answers.append(stranger.answer())
        let_in = [answer for answer in answers if answer and answer.kind == srt.CONCLUSION]
        refused = [answer.refusal for answer in answers if answer and answer.refusal]
        assert len(let_in) == ALL
        assert set(refused) == {1402}
        assert len(let_in) + len(refused) == len(SILENT)
        wait_for(lambda: len(server.sessions()) == ALL, "not all are on air")
        time.sleep(IDLE_SECONDS)
        wait_for(lambda: not server.sessions(), "silent callers still hold places", IDLE_SECONDS + 3)
    wait_for(lambda: all(handed.ended.is_set() for handed in behind.handed), "an upstream connection is still there")
    assert resident_kib(worker) - before < MOST_KIB
    assert_unnoticed(server, Waits(), worker, held)
