"""Are both spellings right, and does a refusal keep to itself what it refuses? The grammar: tests/srt_module."""

from __future__ import annotations

import pytest

from headend.model.stream_id import LONGEST, StreamId, StreamIdError, parse

ENCRYPTED = StreamId(slug="coffee", key_id="ab12cd34")
SIGNED = StreamId(slug="coffee", key_id="ab12cd34", expires_at=1800000000, nonce="nonce-01", signature="S" * 43)


def test_spellings() -> None:
    assert ENCRYPTED.text == "#!::r=coffee,m=publish,u=ab12cd34"
    assert ENCRYPTED.plain == "coffee?u=ab12cd34"
    assert SIGNED.text == f"#!::r=coffee,m=publish,u=ab12cd34,exp=1800000000,nonce=nonce-01,sig={'S' * 43}"
    assert SIGNED.plain == f"coffee?u=ab12cd34,exp=1800000000,nonce=nonce-01,sig={'S' * 43}"


@pytest.mark.parametrize("stream_id", [ENCRYPTED, SIGNED], ids=["encrypted", "signed"])
def test_what_is_spelled_is_read_again(stream_id: StreamId) -> None:
    assert parse(stream_id.text) == parse(stream_id.plain) == stream_id
    assert parse(stream_id.plain.replace(",", "&")) == stream_id


def test_the_longest_one_fits() -> None:
    longest = StreamId(slug="s" * 40, key_id="K" * 16, expires_at=9_999_999_999, nonce="n" * 32, signature="S" * 43)
    assert len(longest.text) < LONGEST / 2
    assert parse(longest.text) == longest


def test_a_refusal_repeats_nothing() -> None:
    with pytest.raises(StreamIdError) as refused:
        parse(SIGNED.text + "-secret")
    assert "secret" not in str(refused.value)
    assert "S" * 43 not in str(refused.value)
