"""Is the master secret read right, and does no sentence about it hold it? The derivations: tests/srt_module."""

from __future__ import annotations

import pytest

from headend.model.credential import read_master, rtmp_key, signature, srt_passphrase

MASTER = b"0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b" \t\n\n"], ids=repr)
def test_white_space_at_the_end_does_not_count(end: bytes) -> None:
    assert read_master(MASTER + end) == MASTER


@pytest.mark.parametrize(
    "content,sentence",
    [
        (b"", "the master secret has 0 bytes, not 32 to 256"),
        (MASTER[1:] + b"\n", "the master secret has 31 bytes, not 32 to 256"),
        (b"s" * 257, "the master secret has 257 bytes, not 32 to 256"),
        (MASTER + b"\n" + MASTER, "the master secret has more than one line"),
    ],
)
def test_what_is_no_master_secret_gets_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        read_master(content)


def test_every_field_changes_what_is_derived() -> None:
    derived = [
        signature(MASTER, "demo", "ab12cd34", 1800000000, "nonce-01"),
        signature(MASTER, "demo", "ab12cd34", 1800000000, "nonce-02"),
        signature(MASTER, "demo", "ab12cd34", 1800000001, "nonce-01"),
        signature(MASTER[::-1], "demo", "ab12cd34", 1800000000, "nonce-01"),
        rtmp_key(MASTER, "demo", "ab12cd34"),
        rtmp_key(MASTER, "demo", "ab12cd35"),
        rtmp_key(MASTER, "demo2", "ab12cd34"),
        srt_passphrase(MASTER, "demo", "ab12cd34"),
        srt_passphrase(MASTER, "demo2", "ab12cd34"),
    ]
    assert len({value[:32] for value in derived}) == len(derived)
