"""Does `headend-key` print a secret once, and one clear line when it cannot?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headend.model.facts import HookFacts
from hooks_app.database import Database
from hooks_app.key_command import app
from tests.hooks_app.conftest import World


@pytest.fixture
def facts_file(tmp_path: Path, facts: HookFacts, database: Database) -> Path:
    file = tmp_path / "hooks_app.json"
    file.write_text(facts.model_dump_json())
    return file


def run(facts_file: Path, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [*arguments, "--facts", str(facts_file)])


def test_add_prints_a_key_that_is_admitted(facts_file: Path, world: World) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--json").stdout)
    assert set(made) == {"slug", "key_id", "key"}
    assert world.publish(key=made["key"]) == 200


def test_add_tells_people_what_to_type_into_their_encoder(facts_file: Path) -> None:
    lines = run(facts_file, "add", "demo", "--label", "studio").stdout.splitlines()
    assert lines[1].startswith("stream name  demo?key=")
    assert lines[2] == "This is the only time the key is shown."


def test_list_shows_no_secret(facts_file: Path) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--label", "studio", "--json").stdout)
    for arguments in (["list"], ["list", "demo"], ["list", "--json"]):
        result = run(facts_file, *arguments)
        assert made["key_id"] in result.stdout
        assert "studio" in result.stdout
        assert made["key"] not in result.stdout


def test_revoke_is_shown_in_the_list(facts_file: Path) -> None:
    made = json.loads(run(facts_file, "add", "demo", "--json").stdout)
    assert run(facts_file, "revoke", made["key_id"]).stdout == f"{made['key_id']} is revoked.\n"
    assert json.loads(run(facts_file, "list", "--json").stdout)[0]["revoked_at"] is not None


@pytest.mark.parametrize(
    "arguments, line",
    [
        (["add", "nope"], "'nope': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["add", "../demo"], "'../demo': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["list", "nope"], "'nope': no such stream on this origin. Streams: demo, coffee-and-stocks."),
        (["add", "demo", "--label", "x" * 81], "label: 81 characters. Use up to 80."),
        (["revoke", "00000000"], "00000000: no such key. `headend-key list` shows the ids."),
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


def test_an_unreachable_database_is_one_clear_line(tmp_path: Path, facts: HookFacts) -> None:
    file = tmp_path / "facts.json"
    file.write_text(facts.model_copy(update={"database_url": "sqlite:////nowhere/state.sqlite3"}).model_dump_json())
    result = run(file, "add", "demo")
    assert (result.exit_code, result.stderr.count("\n"), "Traceback" in result.output) == (1, 1, False)
