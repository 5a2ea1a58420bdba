"""Who may not come in hears why, by libsrt's own codes; who is on air stays there only as long as its key is listed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from testbed.srt_socket import (
    BAD_MODE,
    BAD_REQUEST,
    BAD_SECRET,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    OVERLOAD,
    UNAUTHORIZED,
    UNSECURE,
    UNSUPPORTED_MEDIA,
    SrtOptions,
    SrtRefused,
    connect,
)  # fmt: skip
from tests.support.srt_nginx import HOUR, KEY, SrtServer, free_udp_port, running_srt, wait_for
from tests.support.srt_upstream import Upstream, upstream

pytestmark = pytest.mark.host

Options = Callable[[SrtServer], SrtOptions]
PASSPHRASE = "correct horse battery"
ROOM = "max_connections 64 per_address=64;"
UPSTREAM_START = 20
"""Seconds in which an upstream has started or failed (ngx_srt_session.c)."""

LIST = f"""headend-srt 1
stream coffee any free
stream tea any free
stream water encrypted free
stream wine signed free
stream milk any taken
key coffee {KEY} 0
key coffee expired1 1700000000
key tea {KEY} 0
key water {KEY} 0
key wine {KEY} 0
key milk {KEY} 0
"""


@pytest.fixture(scope="module")
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def server(behind: Upstream) -> Iterator[SrtServer]:
    with running_srt(behind, directives=ROOM) as server:
        server.list_text(LIST)
        yield server


def refusal(server: SrtServer, options: SrtOptions) -> int:
    """The code that this caller reads."""
    with pytest.raises(SrtRefused) as refused:
        server.connect(options)
    return int(refused.value.code)


def plain(stream_id: str) -> Options:
    """A caller without a passphrase."""
    return lambda server: SrtOptions(stream_id=stream_id)


def encrypted(slug: str, **more: str) -> Options:
    """A caller in the encrypted way."""
    return lambda server: server.encrypted(slug, **more)


def signed(slug: str, lifetime: int = HOUR, change: Callable[[str], str] = str) -> Options:
    """A caller in the signed way with a stream id that was changed after it was signed."""
    return lambda server: SrtOptions(stream_id=change(server.signed_id(slug, lifetime=lifetime)))


def flipped(stream_id: str) -> str:
    """One bit of the signature is another."""
    last = stream_id[-2]
    return stream_id[:-2] + ("A" if last != "A" else "B") + stream_id[-1]


REFUSED: dict[str, tuple[int, Options]] = {
    "no stream id": (BAD_REQUEST, plain("")),
    "not a stream id": (BAD_REQUEST, plain("#!::")),
    "no key": (BAD_REQUEST, plain("#!::r=coffee,m=publish")),
    "a slug that is none": (BAD_REQUEST, plain(f"#!::r=Coffee,m=publish,u={KEY}")),
    "longest": (BAD_REQUEST, plain("a" * 512)),
    "truncated signature": (BAD_REQUEST, signed("coffee", change=lambda text: text[:-1])),
    "without its expiry": (BAD_REQUEST, signed("coffee", change=lambda text: text.replace("exp=", "xep="))),
    "a viewer": (BAD_MODE, plain(f"#!::r=coffee,m=request,u={KEY}")),
    "a viewer by default": (BAD_MODE, plain(f"#!::r=coffee,u={KEY}")),
    "both ways": (BAD_MODE, plain(f"#!::r=coffee,m=bidirectional,u={KEY}")),
    "a file": (UNSUPPORTED_MEDIA, plain(f"#!::r=coffee,m=publish,t=file,u={KEY}")),
    "unknown stream": (NOT_FOUND, encrypted("beer")),
    "unknown key": (FORBIDDEN, encrypted("coffee", key="nobody")),
    "another stream's key id": (FORBIDDEN, encrypted("tea", key="expired1")),
    "expired key": (FORBIDDEN, encrypted("coffee", key="expired1")),
    "encrypted where only signed": (FORBIDDEN, encrypted("wine")),
    "signed where only encrypted": (FORBIDDEN, signed("water")),
    "flipped bit": (UNAUTHORIZED, signed("coffee", change=flipped)),
    "another stream's signature": (UNAUTHORIZED, signed("coffee", change=lambda text: text.replace("coffee", "tea"))),
    "expired signature": (FORBIDDEN, signed("coffee", lifetime=-70)),
    "far future": (FORBIDDEN, signed("coffee", lifetime=25 * HOUR)),
    "taken by RTMP": (CONFLICT, encrypted("milk")),
    "taken by RTMP, signed": (CONFLICT, signed("milk")),
    "wrong passphrase": (BAD_SECRET, encrypted("coffee", passphrase=PASSPHRASE)),
    "no passphrase": (UNSECURE, encrypted("coffee", passphrase="")),
    "another stream's passphrase": (
        BAD_SECRET, lambda server: replace(server.encrypted("coffee"), passphrase=server.encrypted("tea").passphrase)
    ),
    "signed with a passphrase": (UNSECURE, lambda server: server.signed("coffee", passphrase=PASSPHRASE)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_caller_is_refused(server: SrtServer, behind: Upstream, name: str) -> None:
    code, options = REFUSED[name]
    before = len(behind.handed)
    assert refusal(server, options(server)) == code
    assert len(behind.handed) == before


def test_the_log_names_the_reason_and_no_secret(server: SrtServer) -> None:
    # Earlier refusals have used up the lines of their second.
    time.sleep(1.2)
    options = server.signed("coffee", lifetime=-HOUR)
    assert refusal(server, options) == FORBIDDEN
    wait_for(lambda: "refused 1403 signed stream id expired, stream=coffee key=ab12cd34" in server.errors(), "no line")
    _, nonce, signature = str(options.stream_id).rsplit("=", 2)
    assert signature not in server.errors()
    assert nonce.partition(",")[0] not in server.errors()
    assert server.encrypted("coffee").passphrase not in server.errors()


def test_clocks_may_differ_a_little(server: SrtServer) -> None:
    with server.calling(server.signed("tea", lifetime=-50)):
        assert server.sessions()


def test_a_signed_stream_id_is_good_once(server: SrtServer) -> None:
    options = server.signed("tea")
    server.visit(options)
    assert refusal(server, options) == FORBIDDEN


def test_it_is_still_used_after_the_worker_died(server: SrtServer) -> None:
    options = server.signed("tea")
    server.visit(options)
    kill_worker(server)
    assert refusal(server, options) == FORBIDDEN


def test_it_may_be_good_again_for_the_same_address(behind: Upstream) -> None:
    with running_srt(behind, "tea", directives="signed_reuse same_address;") as server:
        options = server.signed("tea")
        for _ in range(2):
            server.visit(options)
        assert refusal(server, replace(options, source=("127.0.0.2", 0))) == FORBIDDEN


def test_a_refused_caller_does_not_use_up_its_stream_id(server: SrtServer) -> None:
    options = server.signed("tea")
    with server.calling(server.encrypted("tea")):
        assert refusal(server, options) == CONFLICT
    server.visit(options)


def test_a_signed_stream_id_outlives_an_upstream_that_is_not_there() -> None:
    with running_srt("unix:/nonexistent/remux.sock", "tea") as server:
        options = server.signed("tea")
        for _ in range(3):
            server.visit(options)
        assert server.errors().count("upstream cannot be reached, stream=tea") == 3


def test_a_signed_stream_id_outlives_an_upstream_that_ends_at_once(server: SrtServer, behind: Upstream) -> None:
    options = server.signed("tea")
    with server.calling(options) as caller:
        hang_up(behind)
        wait_for(lambda: not caller.connected(), "cut")
    server.visit(options)
    # That time nothing was wrong.
    assert refusal(server, options) == FORBIDDEN


def test_an_upstream_that_ends_later_has_used_it_up(server: SrtServer, behind: Upstream) -> None:
    options = server.signed("tea")
    with server.calling(options) as caller:
        time.sleep(UPSTREAM_START + 0.5)
        hang_up(behind)
        wait_for(lambda: not caller.connected(), "cut")
    assert refusal(server, options) == FORBIDDEN


def test_a_handshake_that_fails_does_not_use_up_a_signed_stream_id(server: SrtServer) -> None:
    options = server.signed("tea")
    assert refusal(server, replace(options, passphrase=PASSPHRASE)) == UNSECURE
    server.visit(options)


@pytest.mark.parametrize(
    "code,options",
    [
        (UNAUTHORIZED, signed("coffee", change=flipped)),
        (FORBIDDEN, signed("coffee", lifetime=-70)),
        (FORBIDDEN, signed("coffee", lifetime=25 * HOUR)),
        (FORBIDDEN, encrypted("coffee", key="nobody")),
        (CONFLICT, signed("coffee")),
    ],
    ids=["wrong signature", "expired", "far future", "unknown key", "good"],
)
@pytest.mark.parametrize("room", [ROOM, "max_connections 1;"])
def test_who_may_not_come_in_does_not_learn_who_is_on_air(
    behind: Upstream, room: str, code: int, options: Options
) -> None:
    with running_srt(behind, "coffee", directives=room) as server, server.calling(server.encrypted("coffee")):
        assert refusal(server, options(server)) == code


def test_enforced_encryption_closes_the_signed_way(behind: Upstream) -> None:
    with running_srt(behind, "tea", directives="enforced_encryption on;") as server:
        assert refusal(server, server.signed("tea")) == FORBIDDEN
        server.visit(server.encrypted("tea"))


def test_one_publisher_for_a_stream(server: SrtServer) -> None:
    with server.calling(server.encrypted("coffee")) as first:
        assert refusal(server, server.encrypted("coffee")) == CONFLICT
        assert first.connected()


def test_wrong_passphrases_do_not_hold_the_place(server: SrtServer) -> None:
    wrong = server.encrypted("coffee", passphrase=PASSPHRASE)
    assert [refusal(server, wrong) for _ in range(5)] == [BAD_SECRET] * 5
    server.visit(server.encrypted("coffee"))


def test_wrong_passphrases_at_one_address_do_not_hold_the_place_at_the_other(behind: Upstream) -> None:
    # In the template, too, a server listens over IPv4 and IPv6.
    port = free_udp_port(socket.AF_INET6)
    with running_srt(behind, "coffee", directives=f"listen [::1]:{port}; {ROOM}") as server:
        wrong = server.encrypted("coffee", passphrase=PASSPHRASE)
        for _ in range(20):
            with pytest.raises(SrtRefused) as refused:
                connect("::1", port, wrong)
            assert refused.value.code == BAD_SECRET
            server.visit(server.encrypted("coffee"))


def test_limits_in_all_and_of_one_address(behind: Upstream) -> None:
    slugs = [f"s{number}" for number in range(4)]
    with running_srt(behind, *slugs, directives="max_connections 3 per_address=2;") as server:
        callers = [server.connect(server.encrypted(slug)) for slug in slugs[:2]]
        assert refusal(server, server.encrypted("s2")) == OVERLOAD
        callers.append(server.connect(server.encrypted("s2", source=("127.0.0.2", 0))))
        assert refusal(server, server.encrypted("s3", source=("127.0.0.3", 0))) == OVERLOAD
        for caller in callers:
            caller.close()
        wait_for(lambda: server.stat()["totals"]["closed"] == 3, "off air")
        server.visit(server.encrypted("s3"))


def test_refusals_cannot_fill_the_log(behind: Upstream) -> None:
    with running_srt(behind, "tea", directives="max_connections 1000;") as server:
        for _ in range(200):
            refusal(server, SrtOptions(stream_id="#!::"))
        wait_for(lambda: "more callers" in server.errors(), "no sum")
        assert server.errors().count("refused 1400") < 60
        assert server.stat()["totals"]["refused"]["1400"] >= 200


def hang_up(behind: Upstream) -> None:
    """The upstream of the last caller ends."""
    last = behind.handed[-1]
    wait_for(lambda: last.fields, "handed on")
    last.hang_up()


def kill_worker(server: SrtServer) -> None:
    """The worker dies; the master starts another one."""
    before = server.worker_pid
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: server.worker_pids() not in ([], [before]), "a new worker")
    wait_for(lambda: server.stat()["uptime_seconds"] >= 0, "it answers")
    time.sleep(0.2)
