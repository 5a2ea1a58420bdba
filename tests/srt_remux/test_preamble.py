"""Is the first line read strictly, and the address made of it exactly as the hook app reads it?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srt_remux.preamble import Preamble, parse

LINE = b"HEADEND-SRT/1 slug=demo key=ab12cd34 mode=signed nonce=Zm9vYmFy peer=192.0.2.7:40000\n"


def test_a_signed_caller() -> None:
    assert parse(LINE) == Preamble("demo", "ab12cd34", "signed", "Zm9vYmFy", "192.0.2.7:40000")


def test_an_encrypted_caller_over_ipv6() -> None:
    line = b"HEADEND-SRT/1 slug=a-1 key=K mode=encrypted nonce=- peer=[2001:db8::7]:9\n"
    url = "rtmp://127.0.0.1:5/live/a-1?protocol=srt&key_id=K&mode=encrypted&nonce=-&peer=[2001:db8::7]:9"
    assert parse(line).publish_url(5, "live") == url


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(LINE[:-1], id="no newline"),
        pytest.param(LINE + b"G", id="more than the line"),
        pytest.param(LINE.replace(b"/1", b"/2"), id="other version"),
        pytest.param(LINE.replace(b"slug=demo", b"slug=../x"), id="path for a slug"),
        pytest.param(LINE.replace(b"slug=demo", b"slug=-rf"), id="option for a slug"),
        pytest.param(LINE.replace(b"slug=demo", b"slug=" + b"a" * 41), id="slug too long"),
        pytest.param(LINE.replace(b"key=ab12cd34", b"key=a&b"), id="ampersand"),
        pytest.param(LINE.replace(b"mode=signed", b"mode=open"), id="unknown mode"),
        pytest.param(LINE.replace(b"nonce=Zm9vYmFy", b"nonce=a/b/c/d/e"), id="slash"),
        pytest.param(LINE.replace(b"peer=192.0.2.7:40000", b"peer=x?y"), id="no address"),
        pytest.param(LINE.replace(b" key", b"  key"), id="two spaces"),
        pytest.param(LINE.replace(b"\n", b"\r\n"), id="carriage return"),
    ],
)
def test_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="not the first line of nginx@srt"):
        parse(line)


@given(st.binary(max_size=600))
def test_any_bytes_are_an_answer_or_a_sentence(line: bytes) -> None:
    with pytest.raises(ValueError, match="not the first line"):
        parse(line)
