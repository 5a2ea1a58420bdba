"""Is the first token made on the host, and shown once?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hooks_app.token_command import app
from tests.hooks_app.commands import invoke
from tests.hooks_app.conftest import World


def test_before_the_first_token_nobody_may(world: World) -> None:
    assert world.client.get("/api/v1/whoami").status_code == 401


def test_a_token_that_was_made_here_is_good_until_it_is_revoked(
    world: World, facts_file: Path, machine_clock: None
) -> None:
    made = json.loads(invoke(app, "add", "--role", "admin", "--label", "first", "--json", facts=facts_file))
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert world.client.get("/api/v1/whoami", headers=headers).json()["role"] == "admin"
    listed = invoke(app, "list", facts=facts_file)
    assert (made["token_id"] in listed, made["token"] in listed) == (True, False)
    invoke(app, "revoke", made["token_id"], facts=facts_file)
    assert world.client.get("/api/v1/whoami", headers=headers).status_code == 401
    assert "revoked" in invoke(app, "list", facts=facts_file)


def test_it_may_be_of_one_owner_and_expire(world: World, facts_file: Path) -> None:
    made = json.loads(
        invoke(app, "add", "--role", "viewer", "--owner", "site", "--expires", "30d", "--json", facts=facts_file)
    )
    assert (made["role"], made["owner"]) == ("viewer", "site")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["add", "--role", "viewer", "--owner", "nobody"], "'nobody': no such owner"),
        (["add", "--role", "viewer", "--label", "x" * 81], "label: 81 characters"),
        (["add", "--role", "viewer", "--expires", "soon"], "expires: "),
        (["revoke", "00000000"], "no such token"),
    ],
)
def test_a_mistake_is_one_line(world: World, facts_file: Path, arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--facts", str(facts_file)])
    assert (result.exit_code, sentence in result.stderr, result.stderr.count("\n")) == (1, True, 1)


def test_what_was_made_is_in_the_audit_without_its_text(world: World, facts_file: Path) -> None:
    made = json.loads(invoke(app, "add", "--role", "admin", "--json", facts=facts_file))
    headers = {"Authorization": f"Bearer {made['token']}"}
    audit = world.client.get("/api/v1/audit", headers=headers)
    assert (audit.json()["items"][0]["actor"], made["token"] in audit.text) == ("host:root", False)
