"""Real encoders publish through the module: every byte reaches the upstream, behind one line that says who it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headend.model.publish_url import encrypted_target, signed_target
from testbed.srt_socket import SrtOptions, SrtSocket
from tests.support.srt_encoders import Settings, program
from tests.support.srt_nginx import HOUR, KEY, SrtServer, free_udp_port, running_srt, wait_for
from tests.support.srt_upstream import Handed, Upstream, upstream

pytestmark = pytest.mark.host

# Seven TS packets of a PID of their own, with a continuity counter each.
MESSAGES = [
    b"".join(b"\x47\x01\x00" + bytes([0x10 | (m * 7 + n) & 15]) + bytes(184) for n in range(7)) for m in range(16)
]


@pytest.fixture(scope="module")
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture(scope="module")
def server(behind: Upstream) -> Iterator[SrtServer]:
    with running_srt(behind, "coffee", "tea", directives="max_connections 64 per_address=64;") as server:
        yield server


def settings(server: SrtServer, mode: str) -> Settings:
    """What `srt-url --json` would say."""
    where: dict[str, Any] = {"host": "127.0.0.1", "port": server.srt_port, "latency_ms": 120}
    who: dict[str, Any] = {"slug": "coffee", "key_id": KEY}
    if mode == "signed":
        ticket: dict[str, Any] = {"expires_at": int(time.time()) + HOUR, "nonce": f"nonce{time.time_ns()}"}
        target = signed_target(server.master, **where, **who, **ticket)
    else:
        target = encrypted_target(server.master, **where, **who)
    fields = ("url", "ffmpeg_url", "stream_id", "passphrase", "gstreamer")
    return {name: getattr(target, name) for name in fields}


def send(caller: SrtSocket, messages: int) -> bytes:
    """So many messages, at about 5 Mbit/s; returns what was sent."""
    for number in range(messages):
        caller.send(MESSAGES[number % 16])
        time.sleep(0.002)
    return b"".join(MESSAGES[number % 16] for number in range(messages))


def last(behind: Upstream, count: int) -> Handed:
    """The newest of so many connections that the upstream has had."""
    wait_for(lambda: len(behind.handed) > count and behind.handed[-1].fields, "no caller reached the upstream")
    return behind.handed[-1]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["encrypted", "signed"])
@pytest.mark.parametrize("name", ["ffmpeg", "srt-live-transmit", "gstreamer"])
def test_an_encoder_publishes(
    server: SrtServer, behind: Upstream, film: Path, tmp_path: Path, name: str, mode: str
) -> None:
    before = len(behind.handed)
    with program(name, film, tmp_path, settings(server, mode)):
        handed = last(behind, before)
        wait_for(lambda: handed.stream.packets > 2000, "no stream", 20)
        (session,) = server.sessions()
    assert (handed.stream.sync_losses, handed.stream.discontinuities) == (0, 0)
    assert (handed.fields["slug"], handed.fields["key"], handed.fields["mode"]) == ("coffee", KEY, mode)
    assert session["peer"] == handed.fields["peer"]
    assert session["encryption"] == ("aes-128" if mode == "encrypted" else "none")
    wait_for(lambda: not server.sessions(), "the place is free again", 12)


@pytest.mark.parametrize("latency_ms", [120, 600])
def test_what_was_sent_before_hanging_up_arrives(server: SrtServer, behind: Upstream, latency_ms: int) -> None:
    before = len(behind.handed)
    with server.calling(server.encrypted("coffee", latency_ms=latency_ms)) as caller:
        sent = send(caller, 400)
        wait_for(lambda: caller.unsent() == 0, "all confirmed")
    handed = last(behind, before)
    assert handed.ended.wait(5)
    assert bytes(handed.data) == sent


@pytest.mark.parametrize("slug", ["coffee", "live/coffee"])
def test_the_plain_spelling_is_the_same(server: SrtServer, behind: Upstream, slug: str) -> None:
    before = len(behind.handed)
    options = server.encrypted("coffee", stream_id=f"{slug}?u={KEY}&bmd_uuid=0f")
    with server.calling(options):
        assert last(behind, before).fields["slug"] == "coffee"


@pytest.mark.parametrize("key_length, encryption", [(0, "aes-128"), (16, "aes-128"), (24, "aes-192"), (32, "aes-256")])
def test_the_caller_chooses_its_key_length(server: SrtServer, key_length: int, encryption: str) -> None:
    with server.calling(server.encrypted("tea", key_length=key_length)):
        assert server.sessions()[0]["encryption"] == encryption


def test_a_longer_key_can_be_made_the_rule(behind: Upstream) -> None:
    rule = "pbkeylen 32;"
    with running_srt(behind, "tea", directives=rule) as server, server.calling(server.encrypted("tea", key_length=16)):
        assert server.sessions()[0]["encryption"] == "aes-256"


def test_an_upstream_that_hangs_up_ends_its_caller(server: SrtServer, behind: Upstream) -> None:
    before = len(behind.handed)
    with server.calling(server.encrypted("coffee")) as caller:
        send(caller, 10)
        last(behind, before).hang_up()
        wait_for(lambda: not caller.connected(), "cut", 2)
    assert "upstream hung up, stream=coffee" in server.errors()


def test_without_an_upstream_nobody_stays() -> None:
    with running_srt("unix:/nonexistent/remux.sock", "coffee") as server:
        # Many, since libsrt's own caller is deaf for a moment when it has just been let in.
        for number in range(1, 41):
            with server.connect(server.encrypted("coffee")) as caller:
                wait_for(lambda caller=caller: not caller.connected(), f"caller {number} is told", 2)
            wait_for(lambda number=number: server.stat()["totals"]["closed"] == number, "the place is free again")
        assert "upstream cannot be reached, stream=coffee" in server.errors()


def test_ipv6_callers_are_welcome(behind: Upstream) -> None:
    port = free_udp_port()
    with running_srt(behind, "coffee", directives=f"listen [::1]:{port};") as server:
        before = len(behind.handed)
        with replace(server, srt_port=port).calling(server.encrypted("coffee"), "::1"):
            assert last(behind, before).fields["peer"].startswith("[::1]:")


def test_a_fixed_passphrase_needs_no_list(behind: Upstream, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery\n")
    secret.chmod(0o600)
    fixed = f"passphrase_file {secret};"
    with running_srt(behind, without=("master_secret_file", "admit_list"), directives=fixed) as server:
        before = len(behind.handed)
        options = SrtOptions(stream_id=f"#!::r=anything,m=publish,u={KEY}", passphrase="correct horse battery")
        with server.calling(options):
            assert last(behind, before).fields["slug"] == "anything"
