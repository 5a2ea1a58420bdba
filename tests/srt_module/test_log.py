"""Who came, and why they left, is in the log that the block or the server names; never what they came with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.srt_socket import SrtOptions, SrtRefused
from tests.support.srt_nginx import KEY, SrtServer, running_srt, wait_for
from tests.support.srt_upstream import Upstream, upstream

pytestmark = pytest.mark.host


@pytest.fixture
def behind() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "srt.log"


def visited(server: SrtServer, log: Path) -> str:
    """The log after one visit in each way, and one refusal."""
    options = [server.encrypted("coffee"), server.signed("tea")]
    for option in options:
        server.visit(option)
    with pytest.raises(SrtRefused):
        server.connect(SrtOptions(stream_id="#!::"))
    wait_for(lambda: "refused 1400" in log.read_text(), "no line")
    text = log.read_text()
    assert server.encrypted("coffee").passphrase not in text
    assert not [word for word in re.findall(r"(?:nonce|sig)=([^,]+)", str(options[1].stream_id)) if word in text]
    return text


def test_a_server_has_a_log_of_its_own(behind: Upstream, log: Path) -> None:
    with running_srt(behind, "coffee", "tea", directives=f"error_log {log} notice;") as server:
        text = visited(server, log)
        for slug in ("coffee", "tea"):
            who = rf"stream={slug} key={KEY} peer=127\.0\.0\.1:\d+$"
            assert len(re.findall(rf"\[notice\].* srt: on air, {who}", text, re.MULTILINE)) == 1
            assert len(re.findall(rf"\[notice\].* srt: caller hung up, {who}", text, re.MULTILINE)) == 1
        assert "srt:" not in server.errors()


def test_a_block_has_one_for_its_servers(behind: Upstream, log: Path) -> None:
    # It stands before the server, where the block begins.
    with running_srt(behind, "coffee", "tea", block=f"error_log {log} notice;") as server:
        assert visited(server, log).count("on air") == 2
        assert "srt:" not in server.errors()


def test_it_says_no_more_than_its_level(behind: Upstream, log: Path) -> None:
    with running_srt(behind, "coffee", "tea", directives=f"error_log {log} warn;") as server:
        text = visited(server, log)
    assert text.count("srt:") == 1
