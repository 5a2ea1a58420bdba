"""Does `headend-key` print a secret once, and one clear line when it cannot?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headend.model.facts import HookFacts
from hooks_app.database import Database
from hooks_app.key_command import app
from hooks_app.tables import AuditRow
from tests.hooks_app.commands import master_fd, run
from tests.hooks_app.conftest import World

pytestmark = pytest.mark.usefixtures("machine_clock")


def test_add_prints_a_key_that_is_admitted(facts_file: Path, world: World) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--json").stdout)
    assert set(made) == {"slug", "key_id", "key", "srt_url"}
    assert world.publish(key=made["key"]) == 200


def test_add_tells_people_what_to_type_into_their_encoder(facts_file: Path) -> None:
    lines = run(facts_file, "add", "demo", "--label", "studio").stdout.splitlines()
    assert lines[1].startswith("stream name  demo?key=")
    assert lines[2].startswith("SRT URL      srt://live.example.org:9000?")
    assert lines[3].startswith("`headend-key rtmp-url` and `srt-url demo --key ")


def test_without_srt_there_is_no_srt_url(tmp_path: Path, facts: HookFacts, database: Database) -> None:
    file = tmp_path / "rtmp_only.json"
    file.write_text(facts.model_copy(update={"srt": None}).model_dump_json())
    assert set(json.loads(run(file, "add", "demo", "--json").stdout)) == {"slug", "key_id", "key"}
    assert list((tmp_path / "admit").iterdir()) == []


def test_rotate_prints_a_new_key_and_the_old_one_goes_on_for_a_day(facts_file: Path, world: World) -> None:
    made = json.loads(run(facts_file, "rotate", world.key_id, "--json").stdout)
    assert set(made) == {"slug", "key_id", "key", "srt_url"}
    assert (world.publish(key=made["key"]), world.leave()) == (200, 200)
    old, new = world.keys.list("demo")
    assert (new.key_id, new.label, new.expires_at) == (made["key_id"], "studio", None)
    assert old.expires_at is not None
    assert timedelta(hours=23) < old.expires_at - datetime.now(UTC) <= timedelta(hours=24)
    assert f"key demo {made['key_id']} 0" in world.admit_list()


def test_what_is_done_on_the_host_is_in_the_audit(
    facts_file: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    made = json.loads(run(facts_file, "add", "demo", "--json").stdout)
    monkeypatch.setenv("SUDO_USER", "ada")
    run(facts_file, "revoke", made["key_id"])
    rotated = json.loads(run(facts_file, "rotate", world.key_id, "--json").stdout)
    with world.database.read() as db:
        rows = [(row.actor, row.action, row.target, row.owner) for row in db.query(AuditRow).order_by(AuditRow.id)]
        assert made["key"] not in str([row.detail for row in db.query(AuditRow)])
    assert rows == [
        ("host:root", "key.add", made["key_id"], "site"),
        ("host:ada", "key.revoke", made["key_id"], "site"),
        ("host:ada", "key.rotate", rotated["key_id"], "site"),
    ]


@pytest.mark.usefixtures("broken_audit")
@pytest.mark.parametrize("verb", ["add", "rotate", "revoke"])
def test_what_cannot_be_noted_in_the_audit_is_not_done(facts_file: Path, world: World, verb: str) -> None:
    before = world.keys.list()
    result = run(facts_file, verb, "demo" if verb == "add" else world.key_id)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert world.keys.list() == before


def test_list_shows_no_secret(facts_file: Path) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--label", "studio", "--json").stdout)
    for arguments in (["list"], ["list", "demo"], ["list", "--json"]):
        result = run(facts_file, *arguments)
        assert made["key_id"] in result.stdout
        assert "studio" in result.stdout
        assert made["key"] not in result.stdout


def test_nginx_srt_knows_a_new_key_and_a_revoked_one_at_once(facts_file: Path, world: World) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--json").stdout)
    assert f"key demo {made['key_id']} 0" in world.admit_list()
    run(facts_file, "revoke", made["key_id"])
    assert f"key demo {made['key_id']} 0" not in world.admit_list()


def test_a_list_that_cannot_be_written_is_said_and_the_key_is_revoked(facts_file: Path, world: World) -> None:
    (facts_file.parent / "admit").rmdir()
    result = run(facts_file, "revoke", world.key_id)
    assert (result.exit_code, world.publish()) == (0, 403)
    assert "No such file or directory. SRT learns it within seconds" in result.stderr


def test_a_key_may_expire(facts_file: Path, world: World) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--expires", "30d", "--json").stdout)
    listed = {view["key_id"]: view for view in json.loads(run(facts_file, "list", "--json").stdout)}
    until = datetime.fromisoformat(listed[made["key_id"]]["expires_at"])
    assert abs(until - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    assert f"key demo {made['key_id']} {int(until.timestamp())}" in world.admit_list()
    assert f"active until {until:%Y-%m-%d %H:%M}" in run(facts_file, "list").stdout


def test_a_third_active_key_replaces_the_older_one_only_when_asked(facts_file: Path, world: World) -> None:
    second = json.loads(run(facts_file, "add", "demo", "--json").stdout)["key_id"]
    refused = run(facts_file, "add", "demo")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"demo: 2 keys are active, {world.key_id}, {second}. "
        f"Revoke one first, or use --replace, which revokes the older ({world.key_id}).\n"
    )
    third = json.loads(run(facts_file, "add", "demo", "--replace", "--json").stdout)["key_id"]
    assert {view.key_id for view in world.keys.unrevoked()} == {second, third}


def test_sessions_show_who_came_how_and_from_where(facts_file: Path, world: World) -> None:
    world.call(mode="signed", nonce="n0nce-of-one")
    world.hang_up()
    world.clock.sleep(60)
    world.publish(client=8)
    newest, oldest = json.loads(run(facts_file, "sessions", "demo", "--json").stdout)
    assert (newest["protocol"], newest["peer"], newest["key_id"]) == ("rtmp", "203.0.113.9", world.key_id)
    assert (oldest["protocol"], oldest["peer"], oldest["mode"]) == ("srt", "203.0.113.9:40000", "signed")
    assert oldest["reason"] == "publisher left"
    lines = run(facts_file, "sessions", "demo", "--limit", "1").stdout.splitlines()
    assert (len(lines), "n0nce-of-one" in str(newest) + str(oldest)) == (1, False)
    assert lines[0].endswith(f"rtmp  key {world.key_id}  203.0.113.9")


def test_revoke_is_shown_in_the_list(facts_file: Path) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--json").stdout)
    assert run(facts_file, "revoke", made["key_id"]).stdout == f"{made['key_id']} is revoked.\n"
    listed = {key["key_id"]: key for key in json.loads(run(facts_file, "list", "--json").stdout)}
    assert listed[made["key_id"]]["revoked_at"] is not None


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["add", "nope"], "'nope': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["add", "../demo"], "'../demo': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["sessions", "nope"], "'nope': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["list", "nope"], "'nope': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["add", "demo", "--label", "x" * 81], "label: 81 characters. Use up to 80."),
        (["revoke", "00000000"], "00000000: no such key. `headend-key list` shows the ids."),
        (["rotate", "00000000"], "00000000: there is no such active key."),
    ],
)
def test_a_mistake_is_one_clear_line(facts_file: Path, arguments: list[str], line: str) -> None:
    result = run(facts_file, *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line + "\n")


@pytest.mark.parametrize("content", [None, "{", "{}", '{"streams": 1}'])
def test_missing_or_broken_facts_are_one_clear_line(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "other.json"
    if content is not None:
        file.write_text(content)
    result = run(file, "list")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(str(file))


@pytest.mark.parametrize(
    "content, line",
    [
        (None, "There is no master secret on this host. A deploy makes it."),
        (b"", "master secret: the master secret has 0 bytes, not 32 to 256."),
        (b"x" * 5000, "master secret: the master secret has 4096 bytes, not 32 to 256."),
        (b"x" * 40 + b"\nsecond\n", "master secret: the master secret has more than one line."),
    ],
)
def test_a_missing_or_broken_master_secret_is_one_clear_line(
    facts_file: Path, world: World, content: bytes | None, line: str
) -> None:
    arguments = ["add", "demo", "--facts", str(facts_file)]
    with_master = [] if content is None else ["--master-fd", str(master_fd(content))]
    result = CliRunner().invoke(app, [*arguments, *with_master])
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line + "\n")
    assert len(world.keys.list()) == 1


def test_a_descriptor_that_is_not_open_is_one_clear_line(facts_file: Path) -> None:
    result = CliRunner().invoke(app, ["add", "demo", "--facts", str(facts_file), "--master-fd", "999"])
    assert (result.exit_code, result.stderr) == (1, "master secret: Bad file descriptor.\n")


def test_an_unreachable_database_is_one_clear_line(tmp_path: Path, facts: HookFacts) -> None:
    file = tmp_path / "facts.json"
    file.write_text(facts.model_copy(update={"database_url": "sqlite:////nowhere/state.sqlite3"}).model_dump_json())
    result = run(file, "add", "demo")
    assert (result.exit_code, result.stderr.count("\n"), "Traceback" in result.output) == (1, 1, False)
