"""The stat page tells the truth in two formats, and no secret."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from testbed.srt_socket import SrtOptions, SrtRefused, SrtSocket
from tests.support.srt_nginx import KEY, SrtServer, running_srt, wait_for
from tests.support.srt_upstream import Upstream, upstream

pytestmark = pytest.mark.host

TOTALS = {
    "accepted", "closed", "refused", "bytes_received", "packets_received", "packets_lost", "packets_retransmitted",
    "packets_dropped", "packets_undecrypted",
}  # fmt: skip
SESSION = {
    "id": int, "slug": str, "key_id": str, "peer": str, "mode": str, "encryption": str, "connected_seconds": float,
    "peer_version": str, "latency_ms": int, "rtt_ms": float, "bitrate_kbps": int, "packets_received": int,
    "packets_lost": int, "packets_retransmitted": int, "packets_dropped": int, "packets_undecrypted": int,
    "bytes_received": int, "receive_buffer_bytes": int, "ring_bytes": int, "paused": bool,
}  # fmt: skip
SAMPLE = re.compile(r'headend_srt_[a-z_]+(\{([a-z_]+="[A-Za-z0-9.:-]+",?)+\})? -?[0-9.]+')
MESSAGE = (b"\x47\x1f\xff\x10" + bytes(184)) * 7


@pytest.fixture(scope="module")
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture
def server(behind: Upstream) -> Iterator[SrtServer]:
    with running_srt(behind, "coffee", "tea") as server:
        yield server


def send_for(caller: SrtSocket, seconds: float) -> int:
    """About 2 Mbit/s; returns the messages."""
    end, sent = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        caller.send(MESSAGE)
        sent += 1
        time.sleep(0.005)
    return sent


def test_an_idle_server(server: SrtServer) -> None:
    stat = server.stat()
    assert (stat["version"], stat["libsrt"][:2], stat["sessions"]) == (1, "1.", [])
    assert set(stat["totals"]) == TOTALS
    assert not any(stat["totals"]["refused"].values())


def test_a_caller_on_air(server: SrtServer) -> None:
    with server.calling(server.encrypted("coffee", latency_ms=300)) as caller:
        sent = send_for(caller, 3)
        (session,) = server.sessions()
    assert {name: type(value) for name, value in session.items()} == SESSION
    assert (session["slug"], session["key_id"], session["mode"]) == ("coffee", KEY, "encrypted")
    assert session["latency_ms"] == 300
    assert 500 < session["bitrate_kbps"] < 4000
    assert 0 < session["packets_received"] <= sent
    assert 2.5 < session["connected_seconds"] < 10


def is_confirmed(caller: SrtSocket) -> bool:
    """Whether the server has all that was sent."""
    return caller.unsent() == 0


def test_totals_outlive_callers(server: SrtServer) -> None:
    sent = 0
    for slug in ("coffee", "tea"):
        with server.calling(server.signed(slug)) as caller:
            sent += send_for(caller, 0.5)
            wait_for(partial(is_confirmed, caller), "all confirmed")
    totals = server.stat()["totals"]
    assert (totals["accepted"], totals["closed"]) == (2, 2)
    assert totals["bytes_received"] == sent * len(MESSAGE)


@pytest.mark.parametrize(
    "code, stream_id, passphrase",
    [
        ("1400", "#!::", ""),
        ("1404", f"#!::r=beer,m=publish,u={KEY}", ""),
        ("1010", f"#!::r=tea,m=publish,u={KEY}", "wrong passphrase"),
    ],
)
def test_refusals_are_counted_by_code(server: SrtServer, code: str, stream_id: str, passphrase: str) -> None:
    with pytest.raises(SrtRefused):
        server.connect(SrtOptions(stream_id=stream_id, passphrase=passphrase))
    wait_for(lambda: server.stat()["totals"]["refused"][code] == 1, "not counted")


def test_prometheus_reads_it(server: SrtServer) -> None:
    with server.calling(server.encrypted("coffee")), server.calling(server.signed("tea")):
        peers = {session["slug"]: session["peer"] for session in server.sessions()}
        lines = server.page("metrics").splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    assert len(samples) == len({line.rpartition(" ")[0] for line in samples})
    assert f'headend_srt_session_key_bits{{slug="coffee",key_id="{KEY}"}} 128.000000' in samples
    assert "headend_srt_callers 2" in samples
    assert "headend_srt_undecrypted_packets_total 0" in samples
    for slug, way in {
        "coffee": 'mode="encrypted",encryption="aes-128"',
        "tea": 'mode="signed",encryption="none"',
    }.items():
        info = f'slug="{slug}",key_id="{KEY}",peer="{peers[slug]}",{way}'
        assert f"headend_srt_session_info{{{info}}} 1" in samples


def test_each_metric_is_declared_once_and_its_samples_stand_together(server: SrtServer) -> None:
    with server.calling(server.encrypted("coffee")), server.calling(server.signed("tea")):
        lines = server.page("metrics").splitlines()
    declared, seen = "", set()
    for line in lines:
        if line.startswith("# TYPE "):
            declared = line.split()[2]
            assert declared not in seen
            seen.add(declared)
            assert declared.endswith("_total") == line.endswith(" counter")
        else:
            assert re.split(r"[ {]", line)[0] == declared


def test_no_secret_is_shown(server: SrtServer) -> None:
    options = server.signed("tea")
    with server.calling(server.encrypted("coffee")), server.calling(options):
        shown = server.page("srt_stat") + server.page("metrics")
    nonce, signature = (str(options.stream_id).split(name)[1].partition(",")[0] for name in ("nonce=", "sig="))
    secrets = [server.encrypted("coffee").passphrase, server.master.decode(), nonce, signature]
    assert not [secret for secret in secrets if secret in shown]


def test_only_reading(server: SrtServer) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}/srt_stat", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    with refused.value:
        assert refused.value.code == 405


def test_every_place_taken_fits_the_page(behind: Upstream) -> None:
    slugs = [f"{'a-very-long-name-of-a-stream-':a<36}{number}" for number in range(1000, 1100)]
    with running_srt(behind, *slugs, directives="max_connections 100;") as server, ExitStack() as stack:
        for slug in slugs:
            stack.enter_context(server.connect(server.signed(slug)))
        wait_for(lambda: len(server.sessions()) == 100, "all on air")
        assert server.page("metrics").count("headend_srt_session_paused{") == 100
