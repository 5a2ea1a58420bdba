"""The admit list while the server runs: a new one counts within a second, a faulty one does not count at all."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from testbed.srt_socket import DOWN, FORBIDDEN, SrtOptions, SrtRefused
from tests.support.srt_nginx import KEY, SrtServer, admit_list, running_srt, wait_for
from tests.support.srt_upstream import upstream

pytestmark = pytest.mark.host

LIST = admit_list("coffee", "tea")


@pytest.fixture(scope="module")
def server() -> Iterator[SrtServer]:
    with upstream() as behind, running_srt(behind, directives="max_connections 64 per_address=64;") as server:
        server.list_text(LIST)
        yield server


def refusal(server: SrtServer, options: SrtOptions) -> int:
    """The code that this caller reads."""
    with pytest.raises(SrtRefused) as refused:
        server.connect(options)
    return int(refused.value.code)


def test_a_revoked_key_is_cut_within_a_second(server: SrtServer) -> None:
    with server.calling(server.encrypted("coffee")) as gone, server.calling(server.encrypted("tea")) as stays:
        path = server.run / "admit.new"
        path.write_text(LIST.replace(f"key coffee {KEY} 0\n", ""))
        path.rename(server.run / "admit")
        wait_for(lambda: not gone.connected(), "cut", 1)
        assert stays.connected()
    wait_for(lambda: "key revoked, stream=coffee" in server.errors(), "no line")
    assert refusal(server, server.encrypted("coffee")) == FORBIDDEN
    server.list_text(LIST)


def test_an_expired_key_stays_on_air(server: SrtServer) -> None:
    with server.calling(server.encrypted("tea")) as caller:
        server.list_text(LIST.replace(f"key tea {KEY} 0", f"key tea {KEY} {int(time.time()) - 1}"))
        time.sleep(1)
        assert caller.connected()
    assert refusal(server, server.encrypted("tea")) == FORBIDDEN
    server.list_text(LIST)


def test_without_a_list_nobody_comes_in_and_nobody_is_cut(server: SrtServer) -> None:
    with server.calling(server.encrypted("tea")) as caller:
        server.list_text(None)
        assert refusal(server, server.encrypted("coffee")) == DOWN
        assert caller.connected()
    server.list_text(LIST)
    server.visit(server.encrypted("coffee"))


@pytest.mark.parametrize("text", ["", "headend-srt 2\n", LIST + "key coffee\n", "headend-srt 1\n" + "x" * 600_000])
def test_after_a_faulty_list_the_last_good_one_stays(server: SrtServer, text: str) -> None:
    before = server.errors().count("the last good list stays")
    server.list_text(text)
    server.visit(server.encrypted("coffee"))
    assert server.errors().count("the last good list stays") == before + 1
    server.list_text(LIST)


def test_a_change_that_could_not_be_read_is_not_lost(server: SrtServer) -> None:
    path = server.run / "admit"
    with server.calling(server.encrypted("coffee")) as gone:
        new = path.with_suffix(".new")
        new.write_text(LIST.replace(f"key coffee {KEY} 0\n", ""))
        new.chmod(0o600)
        new.rename(path)
        wait_for(lambda: "not read, the last good list stays: open() failed" in server.errors(), "no line")
        time.sleep(1)
        assert gone.connected()
        # Neither its name nor the time of its last change is another one.
        path.chmod(0o644)
        wait_for(lambda: not gone.connected(), "cut", 1)
    assert server.errors().count("not read") == 1
    server.list_text(LIST)


def test_a_thousand_streams_are_one_list(server: SrtServer) -> None:
    slugs = [f"stream-{number}" for number in range(1024)]
    server.list_text(admit_list(*slugs))
    server.visit(server.encrypted("stream-1023"))
    server.list_text(LIST)
