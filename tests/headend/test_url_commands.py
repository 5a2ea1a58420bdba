"""Do `srt-url` and `rtmp-url` print what an encoder needs, and nothing when something is wrong?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headend.cli.app import app
from headend.cli.output import Code
from headend.model.credential import rtmp_key, signature, srt_passphrase
from headend.model.stream_id import parse

MASTER = "0123456789abcdef0123456789abcdef"
KEY = "ab12cd34"
SPEC = """
site: {public_url: "https://live.example.org"}
ingest:
  srt: {port: 9009, latency_ms: 400}
streams:
  - {slug: any, title: Any}
  - {slug: enc, title: Encrypted, srt_admit: encrypted}
  - {slug: sig, title: Signed, srt_admit: signed}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec, with the master secret beside it."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "master").write_text(MASTER + "\n")
    return tmp_path / "spec.yaml"


def run(command: str, slug: str, spec: Path, *options: str, key: str = KEY, stdin: str | None = None) -> Result:
    given = () if "--master" in options else ("--master", str(spec.with_name("master")))
    return CliRunner().invoke(app, [command, slug, "--key", key, "--spec", str(spec), *given, *options], input=stdin)


def data(result: Result) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def test_the_encrypted_way_is_the_default(spec: Path) -> None:
    made = data(run("srt-url", "any", spec, "--json"))
    passphrase = srt_passphrase(MASTER.encode(), "any", KEY)
    assert made["ok"] is True
    assert (made["way"], made["passphrase"], made["expires_at"]) == ("encrypted", passphrase, None)
    assert made["url"] == (
        f"srt://live.example.org:9009?mode=caller&latency=400&streamid=any?u={KEY}&passphrase={passphrase}"
    )
    assert made["ffmpeg_url"] == made["url"].replace("latency=400", "latency=400000")
    assert run("srt-url", "any", spec).stdout.splitlines()[0] == made["url"]


@pytest.mark.parametrize("arguments", [("any", "--signed"), ("sig",)], ids=["asked for", "the stream's"])
def test_the_signed_way(spec: Path, arguments: tuple[str, ...]) -> None:
    slug, *options = arguments
    made = data(run("srt-url", slug, spec, "--json", "--expires", "2h", *options))
    stream_id = parse(made["stream_id"])
    assert (made["way"], made["passphrase"]) == ("signed", None)
    assert stream_id.expires_at == datetime.fromisoformat(made["expires_at"]).timestamp()
    assert abs(stream_id.expires_at - datetime.now(UTC).timestamp() - 7200) < 60
    assert stream_id.signature == signature(MASTER.encode(), slug, KEY, stream_id.expires_at, str(stream_id.nonce))


def test_no_two_signed_urls_are_the_same(spec: Path) -> None:
    assert run("srt-url", "sig", spec).stdout.splitlines()[0] != run("srt-url", "sig", spec).stdout.splitlines()[0]


def test_rtmp(spec: Path) -> None:
    made, key = data(run("rtmp-url", "any", spec, "--json")), rtmp_key(MASTER.encode(), "any", KEY)
    assert made["url"] == f"rtmp://live.example.org:1935/live/any?key={key}"
    assert (made["server"], made["stream_key"]) == ("rtmp://live.example.org:1935/live", f"any?key={key}")
    assert run("rtmp-url", "any", spec).stdout.splitlines()[0] == made["url"]


@pytest.mark.parametrize("command", ["srt-url", "rtmp-url"])
def test_the_host_and_the_master_can_come_from_elsewhere(spec: Path, command: str) -> None:
    result = run(command, "any", spec, "--host", "2001:db8::1", "--master", "-", stdin=MASTER)
    assert "://[2001:db8::1]:" in result.stdout
    assert result.exit_code == Code.OK


@pytest.mark.parametrize("command", ["srt-url", "rtmp-url"])
@pytest.mark.parametrize("encoder", ["OBS", "Larix", "GStreamer", "ffmpeg"])
def test_every_encoder_has_its_lines(spec: Path, command: str, encoder: str) -> None:
    assert any(line.startswith(encoder) for line in run(command, "any", spec).stdout.splitlines())


@pytest.mark.parametrize(
    "command,slug,options,code,sentence",
    [
        ("srt-url", "anny", (), Code.USAGE, "There is no stream 'anny'. Did you mean 'any'?"),
        ("rtmp-url", "other", (), Code.USAGE, "There is no stream 'other'. Known: any, enc, sig."),
        ("srt-url", "enc", ("--signed",), Code.USAGE, "enc admits only encrypted callers. Leave out --signed."),
        ("srt-url", "sig", ("--encrypted",), Code.USAGE, "sig admits only signed callers. Leave out --encrypted."),
        ("srt-url", "enc", ("--expires", "2h"), Code.USAGE, "--expires is for --signed. A key's own end"),
        ("srt-url", "sig", ("--expires", "soon"), Code.USAGE, "--expires: neither a duration"),
        ("srt-url", "sig", ("--expires", "25h"), Code.USAGE, "--expires: a signed stream id lives 24 hours at most"),
        ("srt-url", "any", ("--host", "a b"), Code.USAGE, "--host: 'a b' is neither a name nor an address."),
        (
            "srt-url",
            "any",
            ("--master", "/nonexistent"),
            Code.FILE,
            "/nonexistent: no such file or directory. Run this",
        ),
        ("rtmp-url", "any", ("--master", "-"), Code.FILE, "-: the master secret has 0 bytes, not 32 to 256."),
    ],
)
def test_a_mistake_has_its_sentence_and_no_url(
    spec: Path, command: str, slug: str, options: tuple[str, ...], code: Code, sentence: str
) -> None:
    result = run(command, slug, spec, *options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert sentence in result.stderr
    assert MASTER not in result.output
    refused = run(command, slug, spec, *options, "--json")
    assert refused.exit_code == code
    assert data(refused)["ok"] is False


def test_a_key_is_not_taken_for_its_id(spec: Path) -> None:
    key = rtmp_key(MASTER.encode(), "any", KEY)
    result = run("rtmp-url", "any", spec, key=key)
    assert result.exit_code == Code.USAGE
    assert "Use the id that 'headend-key list' shows, not the key." in result.stderr
    assert key not in result.output


def test_without_srt_there_is_no_srt_url(spec: Path) -> None:
    streams = SPEC.replace("port: 9009, latency_ms: 400", "enabled: false").splitlines()[:-2]
    spec.write_text("\n".join(streams))
    result = run("srt-url", "any", spec)
    assert (result.exit_code, result.stdout) == (Code.USAGE, "")
    assert "SRT is off in this spec" in result.stderr


def test_a_ticket_may_live_a_day(spec: Path) -> None:
    made = data(run("srt-url", "sig", spec, "--json", "--expires", "24h"))
    assert datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC) <= timedelta(hours=24)


@pytest.mark.parametrize("command", ["srt-url", "rtmp-url"])
def test_the_help_says_where_the_secret_comes_from(command: str) -> None:
    output = " ".join(CliRunner().invoke(app, [command, "--help"]).output.split())
    assert "--master" in output
    assert "- for standard input" in output
    assert "Exit codes: 0 done" in output
