"""Can anybody but a remuxer look like one?"""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks_app.form import SRT_PUBLISH_FIELDS, RefusedError, SrtCaller, parse_done, parse_publish
from tests.hooks_app.fakes import SRT, body, publish_pairs, srt_done_body, srt_publish_body, srt_query

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
# What a publisher chooses: its connect message, its stream name and its query.
CHOSEN = ("app", "flashver", "swfurl", "tcurl", "pageurl", "name", "type")
WORDS = st.sampled_from(
    ["&", "=", "%26", "%3d", "%61ddr", "addr=unix:", "addr=unix%3a", "protocol=srt", "key_id=11f74f79", "nonce=-", "x",
     "mode=encrypted", "peer=203.0.113.9:40000", "clientid=7", "call=publish", "name=demo", "type=live", "key=x",
     "unix:", srt_query("11f74f79"), "&" + srt_query("11f74f79")]
)  # fmt: skip
HOSTILE = st.lists(WORDS, max_size=12).map("".join) | st.text(max_size=60)


def read(**changed: str) -> SrtCaller | None:
    """The caller of an honest body with changed fields."""
    return parse_publish(srt_publish_body(changed.pop("key_id", "11f74f79"), **changed)).srt


def test_an_encrypted_caller_is_read() -> None:
    call = parse_publish(srt_publish_body("11f74f79", client=42))
    assert (call.slug, call.client_id, call.address, call.key) == ("demo", 42, "unix:", None)
    assert call.srt == SrtCaller("11f74f79", "encrypted", None, "203.0.113.9:40000")


def test_a_signed_caller_is_read() -> None:
    assert read(mode="signed", nonce="n0nce_-8") == SrtCaller("11f74f79", "signed", "n0nce_-8", "203.0.113.9:40000")


def test_its_leaving_is_read() -> None:
    assert parse_done(srt_done_body("11f74f79", client=42)).client_id == 42


@given(ADDRESSES, st.dictionaries(st.sampled_from(CHOSEN), HOSTILE), HOSTILE, st.booleans())
def test_over_tcp_nothing_that_a_publisher_sends_looks_like_srt(
    address: str, chosen: dict[str, str], query: str, escaped: bool
) -> None:
    pairs = publish_pairs(**{**chosen, "addr": address})
    # nginx escapes its fields; even where it forgot to, nothing may come of it.
    content = body(pairs, query) if escaped else "&".join([f"{n}={v}" for n, v in pairs] + [query]).encode()
    with suppress(RefusedError):
        assert parse_publish(content).srt is None


@given(ADDRESSES)
def test_srt_fields_over_tcp_are_refused(address: str) -> None:
    with pytest.raises(RefusedError, match="something else than the unix socket"):
        parse_publish(srt_publish_body("11f74f79", addr=address))


@pytest.mark.parametrize("address", ["", "unix", "unix:/x", "Unix:", "unix::", " unix:", "unix:\n", "127.0.0.1", "::1"])
def test_only_nginx_own_word_for_its_unix_socket_counts(address: str) -> None:
    with pytest.raises(RefusedError):
        parse_publish(srt_publish_body("11f74f79", addr=address))


@pytest.mark.parametrize("address", ["unix:", "unix:/run/x.sock", "", "localhost", "127.0.0.1:80"])
def test_a_key_is_only_believed_over_tcp(address: str) -> None:
    with pytest.raises(RefusedError):
        parse_publish(body(publish_pairs(addr=address), "key=secret"))


@given(st.permutations([*publish_pairs(addr="unix:"), *SRT]))
def test_over_unix_the_fields_are_refused_in_any_order_but_one(pairs: list[tuple[str, str]]) -> None:
    if [name for name, _ in pairs] != list(SRT_PUBLISH_FIELDS):
        with pytest.raises(RefusedError):
            parse_publish(body(pairs))


@pytest.mark.parametrize("field", [name for name, _ in SRT])
@pytest.mark.parametrize("how", ["missing", "twice", "escaped", "capital"])
def test_over_unix_each_field_is_there_once_in_one_spelling(field: str, how: str) -> None:
    part = dict(item.split("=", 1) for item in srt_query("11f74f79").split("&"))[field]
    changed = {
        "missing": "", "twice": f"{field}={part}&{field}={part}&", "escaped": f"%{ord(field[0]):x}{field[1:]}={part}&",
        "capital": f"{field.upper()}={part}&",
    }[how]  # fmt: skip
    query = (srt_query("11f74f79") + "&").replace(f"{field}={part}&", changed).removesuffix("&")
    with pytest.raises(RefusedError):
        parse_publish(body(publish_pairs(addr="unix:"), query))


@pytest.mark.parametrize(
    "field, value",
    [
        *[("protocol", value) for value in ("", "SRT", "rtmp", "srt ", "%73rt")],
        *[("key_id", value) for value in ("", "a" * 17, "a-b", "a%62", "a b", "\u0661", "a/../b", "11f74f79\n")],
        *[("mode", value) for value in ("", "any", "Encrypted", "signed", "plain", "encrypted+")],
        *[("nonce", value) for value in ("", "--", "abcdefgh", "%2d")],
        *[
            ("peer", value)
            for value in (
                "", "-", "203.0.113.9", "203.0.113.9:", "203.0.113.9:0", "203.0.113.9:65536", "203.0.113.9:080", ":1",
                "203.0.113.999:1", "1.2.3:4000", "2001:db8::1:4000", "[2001:db8::1]", "[203.0.113.9]:1:1",
                "[::1%25lo]:1", "[::zz]:1", "host:4000",
                "203.0.113.9:4000%26key=x", "203.0.113.9:4000;x", "203.0.113.9:\u0664",
            )
        ],
    ],
)  # fmt: skip
def test_a_value_that_nginx_srt_never_writes_is_refused(field: str, value: str) -> None:
    with pytest.raises(RefusedError):
        read(**{field: value})


@pytest.mark.parametrize("nonce", ["-", "", "short", "a" * 33, "nonce.with.dots", "nonce=with", "n\u00f6nce-longer"])
def test_a_signed_caller_has_a_nonce(nonce: str) -> None:
    with pytest.raises(RefusedError):
        read(mode="signed", nonce=nonce)


@given(st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map("[{}]".format)), st.integers(1, 65535))
def test_every_peer_is_read_as_it_is(address: str, port: int) -> None:
    caller = read(peer=f"{address}:{port}")
    assert caller is not None
    assert caller.peer == f"{address}:{port}"


def test_a_call_shows_its_nonce_to_nobody() -> None:
    assert "n0nce_-8" not in repr(parse_publish(srt_publish_body("11f74f79", mode="signed", nonce="n0nce_-8")))
