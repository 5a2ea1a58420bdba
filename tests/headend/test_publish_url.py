"""Does every encoder get what it needs, and does no repr show a secret?"""

from __future__ import annotations

import shlex
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from headend.model.credential import rtmp_key, srt_passphrase
from headend.model.publish_url import SrtTarget, encrypted_target, rtmp_target, signed_target
from headend.model.stream_id import parse

MASTER = b"0123456789abcdef0123456789abcdef"
HOST = "live.example.org"
PASSPHRASE = srt_passphrase(MASTER, "coffee", "ab12cd34")

ENCRYPTED = encrypted_target(MASTER, host=HOST, port=9000, slug="coffee", key_id="ab12cd34", latency_ms=400)
SIGNED = signed_target(
    MASTER,
    host=HOST,
    port=9000,
    slug="coffee",
    key_id="ab12cd34",
    latency_ms=400,
    expires_at=1800000000,
    nonce="nonce-01",
)
RTMP = rtmp_target(MASTER, host=HOST, port=1935, slug="coffee", key_id="ab12cd34")


def test_an_encrypted_caller() -> None:
    url = f"srt://{HOST}:9000?mode=caller&latency=400&streamid=coffee?u=ab12cd34&passphrase={PASSPHRASE}"
    assert ENCRYPTED.url == url
    assert ENCRYPTED.ffmpeg_url == url.replace("latency=400", "latency=400000")
    assert ENCRYPTED.obs == {"Service": "Custom...", "Server": ENCRYPTED.ffmpeg_url, "Stream Key": ""}
    assert ENCRYPTED.larix["URL"] == ENCRYPTED.address == f"srt://{HOST}:9000"
    assert ENCRYPTED.larix["streamid"] == ENCRYPTED.gstreamer["streamid"] == "#!::r=coffee,m=publish,u=ab12cd34"
    assert ENCRYPTED.larix["passphrase"] == ENCRYPTED.gstreamer["passphrase"] == PASSPHRASE
    assert ENCRYPTED.larix["latency"] == ENCRYPTED.gstreamer["latency"] == "400"


def test_a_signed_caller_has_no_passphrase() -> None:
    assert SIGNED.passphrase is None
    assert "passphrase" not in SIGNED.url + str(SIGNED.larix) + str(SIGNED.gstreamer)
    assert parse(SIGNED.stream_id).expires_at == 1800000000


@pytest.mark.parametrize("target", [ENCRYPTED, SIGNED], ids=["encrypted", "signed"])
def test_a_url_means_the_same_to_callers_that_decode_and_to_those_that_do_not(target: SrtTarget) -> None:
    query = target.url.partition("?")[2]
    assert unquote(query) == query
    assert urlsplit(target.url).fragment == ""
    # As libavformat, OBS and srt-live-transmit take it apart, and as a proper URL parser does.
    raw = dict(pair.split("=", 1) for pair in query.split("&"))
    decoded = {name: value for name, (value,) in parse_qs(query).items()}
    assert raw == decoded
    assert parse(raw["streamid"]) == parse(target.stream_id)


def test_an_rtmp_publisher() -> None:
    key = rtmp_key(MASTER, "coffee", "ab12cd34")
    assert (RTMP.server, RTMP.stream_key) == (f"rtmp://{HOST}:1935/live", f"coffee?key={key}")
    assert RTMP.url == f"rtmp://{HOST}:1935/live/coffee?key={key}"
    assert RTMP.obs == {"Service": "Custom...", "Server": RTMP.server, "Stream Key": RTMP.stream_key}
    assert RTMP.larix["URL"] == RTMP.gstreamer["location"] == RTMP.url


def test_a_shell_hands_the_url_over_whole() -> None:
    assert shlex.split(ENCRYPTED.ffmpeg)[-1] == ENCRYPTED.ffmpeg_url
    assert shlex.split(RTMP.ffmpeg)[-1] == RTMP.url


def test_an_ipv6_address_gets_its_brackets() -> None:
    target = encrypted_target(MASTER, host="2001:db8::1", port=9000, slug="a", key_id="b", latency_ms=120)
    assert target.address == "srt://[2001:db8::1]:9000"
    assert rtmp_target(MASTER, host="::1", port=1935, slug="a", key_id="b").server == "rtmp://[::1]:1935/live"


def test_a_repr_shows_no_secret() -> None:
    shown = repr((ENCRYPTED, SIGNED, RTMP))
    assert PASSPHRASE not in shown
    assert RTMP.key not in shown
    assert str(parse(SIGNED.stream_id).signature) not in shown
