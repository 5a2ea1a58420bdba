"""Do `srt-url` and `rtmp-url` print what an active key admits, and one clear line when there is none?"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headend.model.credential import rtmp_key, signature, srt_passphrase
from headend.model.facts import HookFacts
from headend.model.stream_id import parse
from hooks_app.tables import StreamKeyRow
from tests.hooks_app.commands import run
from tests.hooks_app.conftest import MASTER, World

pytestmark = pytest.mark.usefixtures("machine_clock")


def printed(file: Path, *arguments: str) -> Any:
    """What a command prints as JSON."""
    result = run(file, *arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def admit(facts: HookFacts, file: Path, srt_admit: str) -> Path:
    """Facts in which the streams admit SRT callers this way."""
    streams = tuple(stream.model_copy(update={"srt_admit": srt_admit}) for stream in facts.streams)
    file.write_text(facts.model_copy(update={"streams": streams}).model_dump_json())
    return file


def test_an_encrypted_url_has_the_keys_passphrase(facts_file: Path, world: World) -> None:
    made = printed(facts_file, "srt-url", "demo", "--key", world.key_id)
    assert made["way"] == "encrypted"
    assert made["passphrase"] == srt_passphrase(MASTER, "demo", world.key_id)
    assert made["url"].startswith("srt://live.example.org:9000?")
    assert parse(made["stream_id"]).key_id == world.key_id


def test_a_signed_url_is_good_for_its_time_and_different_each_time(facts_file: Path, world: World) -> None:
    arguments = ["srt-url", "demo", "--key", world.key_id, "--signed", "--expires", "2h"]
    first, second = printed(facts_file, *arguments), printed(facts_file, *arguments)
    ticket = parse(first["stream_id"])
    assert ticket.nonce != parse(second["stream_id"]).nonce
    assert ticket.expires_at is not None
    assert ticket.nonce is not None
    assert ticket.signature == signature(MASTER, "demo", world.key_id, ticket.expires_at, ticket.nonce)
    assert abs(ticket.expires_at - datetime.now(UTC).timestamp() - 7200) < 60
    assert first["passphrase"] is None


def test_a_stream_that_admits_signed_callers_only_gets_a_signed_url(
    facts_file: Path,
    facts: HookFacts,
    world: World,
) -> None:
    file = admit(facts, facts_file, "signed")
    assert printed(file, "srt-url", "demo", "--key", world.key_id)["way"] == "signed"
    assert "srt_url" not in printed(file, "add", "demo")
    result = run(file, "srt-url", "demo", "--key", world.key_id, "--encrypted")
    assert result.stderr == "demo: admits only signed callers (srt_admit in the spec). Use --signed.\n"


def test_an_id_does_not_outlive_its_key(facts_file: Path, world: World) -> None:
    until = world.clock.now() + timedelta(hours=1)
    key_id, _ = world.add_key("demo", "", until)
    result = run(facts_file, "srt-url", "demo", "--key", key_id, "--signed", "--expires", "2h", "--json")
    assert parse(json.loads(result.stdout)["stream_id"]).expires_at == int(until.timestamp())
    assert result.stderr.startswith("The key itself expires before that")


def test_an_rtmp_url_has_the_key_that_is_admitted(facts_file: Path, world: World) -> None:
    made = printed(facts_file, "rtmp-url", "demo", "--key", world.key_id, "--host", "192.0.2.1")
    assert made["key"] == rtmp_key(MASTER, "demo", world.key_id)
    assert made["url"] == f"rtmp://192.0.2.1:1935/live/demo?key={made['key']}"
    assert world.publish(key=made["key"]) == 200


def test_people_get_the_fields_of_their_encoder(facts_file: Path, world: World) -> None:
    for command in ("srt-url", "rtmp-url"):
        text = run(facts_file, command, "demo", "--key", world.key_id).stdout
        assert [name for name in ("URL  ", "OBS  ", "Larix  ", "GStreamer  ", "ffmpeg  ") if name not in text] == []


def test_a_key_from_before_the_master_secret_has_no_rtmp_url(facts_file: Path, world: World) -> None:
    with world.database.write() as db:
        db.get_one(StreamKeyRow, world.key_id).secret_sha256 = hashlib.sha256(b"random").digest()
    line = f"{world.key_id}: was not made from this host's master secret, so its RTMP key is unknown. Make a new key.\n"
    assert run(facts_file, "rtmp-url", "demo", "--key", world.key_id).stderr == line


@pytest.mark.parametrize("command", ["srt-url", "rtmp-url"])
@pytest.mark.parametrize("how", ["unknown", "revoked", "expired", "of another stream"])
def test_only_an_active_key_of_the_stream_has_a_url(facts_file: Path, world: World, command: str, how: str) -> None:
    made = {
        "unknown": lambda: "00000000",
        "revoked": lambda: world.key_id if world.revoke_key(world.key_id) else "",
        "expired": lambda: world.add_key("demo", "", world.clock.now() - timedelta(minutes=1))[0],
        "of another stream": lambda: world.add_key("coffee-and-stocks", "")[0],
    }
    result = run(facts_file, command, "demo", "--key", made[how]())
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "no active key of demo" in result.stderr


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["--expires", "2h"], "--expires is for --signed."),
        (["--signed", "--expires", "25h"], "expires: a signed id is good for 24 h at most."),
        (["--signed", "--expires", "soon"], "expires: neither a duration"),
        (["--signed", "--expires", "2020-01-01"], "expires: that time is over"),
    ],
)
def test_a_mistake_is_one_clear_line(facts_file: Path, world: World, arguments: list[str], line: str) -> None:
    result = run(facts_file, "srt-url", "demo", "--key", world.key_id, *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(line)


def test_without_srt_there_is_no_srt_url(facts_file: Path, facts: HookFacts, world: World) -> None:
    facts_file.write_text(facts.model_copy(update={"srt": None}).model_dump_json())
    result = run(facts_file, "srt-url", "demo", "--key", world.key_id)
    assert result.stderr == "SRT is off on this origin (ingest.srt.enabled in the spec).\n"


@pytest.mark.parametrize("reuse, good", [("never", "good once"), ("same_address", "good for one address")])
def test_people_read_how_often_a_signed_url_is_good(
    facts_file: Path, facts: HookFacts, world: World, reuse: str, good: str
) -> None:
    assert facts.srt is not None
    srt = facts.srt.model_copy(update={"signed_reuse": reuse})
    facts_file.write_text(facts.model_copy(update={"srt": srt}).model_dump_json())
    text = run(facts_file, "srt-url", "demo", "--key", world.key_id, "--signed").stdout
    assert f"signed, {good}, until " in text
