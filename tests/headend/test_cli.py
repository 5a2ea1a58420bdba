"""Does the command keep its promises: exit codes, one line for each mistake, JSON everywhere, no traceback?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from headend.cli.app import app
from headend.cli.doctor import read_answer, text
from headend.cli.output import Code
from headend.render import ROLES

DEMO = "specs/demo.yaml"
GOOD = [
    ["check", DEMO],
    ["render", "ingest", DEMO],
    ["explain", "demo/720p", DEMO],
    ["plan", DEMO],
    ["schema", "--check"],
]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def data(result: Result) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


@pytest.mark.parametrize("arguments", GOOD, ids=lambda arguments: arguments[0])
def test_a_good_spec_ends_with_0_and_says_so_in_json(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == Code.OK
    result = run(*arguments, "--json")
    assert result.exit_code == Code.OK
    assert data(result)["ok"] is True


@pytest.mark.parametrize(
    "arguments,code",
    [
        (["check", "{broken}"], Code.FAULTS),
        (["render", "ingest", "{broken}"], Code.FAULTS),
        (["explain", "demo/720p", "{broken}"], Code.FAULTS),
        (["plan", "{broken}"], Code.FAULTS),
        (["check", "/nonexistent.yaml"], Code.FILE),
        (["plan", "/nonexistent.yaml"], Code.FILE),
        (["render", "ingest", DEMO, "--group-data", "/nonexistent.py"], Code.FILE),
        (["render", "ingest", DEMO, "--group-data", "{broken}"], Code.FILE),
        (["render", "ingest", DEMO, "--group-data", "{empty}"], Code.FILE),
        (["render", "ingest", DEMO, "--out", "/proc/headend"], Code.FILE),
        (["render", "edge", DEMO], Code.USAGE),
        (["render", "ingest", DEMO, "--out", "x", "--stdout"], Code.USAGE),
        (["explain", "demo/721p", DEMO], Code.USAGE),
        (["explain", "demo/720p.colour", DEMO], Code.USAGE),
        (["schema", "--check", "--write"], Code.USAGE),
        (["doctor", "--inventory", "x", "--", "-v"], Code.USAGE),
        (["doctor", "no-such-host.invalid"], Code.TOOL),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.name,
)
def test_a_mistake_has_its_code_in_text_and_in_json(arguments: list[str], code: Code, tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("site: {}\n")
    (tmp_path / "empty").write_text("")
    arguments = [argument.format(broken=tmp_path / "broken", empty=tmp_path / "empty") for argument in arguments]
    result = run(*arguments)
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert "pydantic" not in result.output
    options = arguments.index("--") if "--" in arguments else len(arguments)
    result = run(*arguments[:options], "--json", *arguments[options:])
    assert result.exit_code == code
    assert data(result)["ok"] is False


@pytest.mark.parametrize("arguments", [[], ["chekc"], ["check", "--nope"], ["render"], ["explain"]], ids=" ".join)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == Code.USAGE
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["check", "render", "explain", "plan", "schema", "doctor"])
def test_every_command_documents_json_and_the_exit_codes(command: str) -> None:
    output = " ".join(run(command, "--help").output.split())
    assert "--json" in output
    assert "Exit codes: 0 done; 1 the spec has faults" in output


def test_check_reports_every_file_and_takes_the_worst_code(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("site: {}\n")
    result = run("check", DEMO, str(broken))
    assert result.exit_code == Code.FAULTS
    assert result.output.splitlines() == [
        f"{DEMO}: ok (1 stream, 1 ladder)",
        f"{broken}:1:1 site.public_url: missing. Add 'public_url: https://live.example.org'.",
        f"{broken}:1:1 streams: missing. Add 'streams:' with its content indented below it.",
    ]


def test_the_only_spec_of_ones_own_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    demo = Path(DEMO).read_text()
    monkeypatch.chdir(tmp_path)
    (specs / "demo.yaml").write_text(demo)
    assert "Which spec? Name a file; found none of your own" in run("check").output
    (specs / "mine.yaml").write_text(demo)
    assert run("check").output == "specs/mine.yaml: ok (1 stream, 1 ladder)\n"
    (specs / "other.yaml").write_text(demo)
    result = run("check")
    assert result.exit_code == Code.USAGE
    assert "found specs/mine.yaml, specs/other.yaml" in result.output


def test_render_writes_the_tree_of_every_role(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("")
    result = run("render", "all", DEMO, "--out", str(tmp_path))
    artifacts = data(run("render", "all", DEMO, "--json"))["artifacts"]
    assert result.output == f"{len(artifacts)} files in {tmp_path}; 1 other files there were left alone\n"
    for artifact in artifacts:
        path = tmp_path / artifact["path"].lstrip("/")
        assert path.read_text() == artifact["text"]
        assert f"{path.stat().st_mode & 0o7777:04o}" == artifact["mode"]


@pytest.mark.parametrize("role", ROLES)
def test_render_prints_every_file_with_its_heading(role: str) -> None:
    output = run("render", role, DEMO).output
    for artifact in data(run("render", role, DEMO, "--json"))["artifacts"]:
        assert f"==> {artifact['path']} {artifact['mode']} {artifact['owner']}:{artifact['group']}" in output
        assert artifact["text"] in output


def test_schema_reports_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    files = ["specs/headend.schema.json", "docs/reference.md", "docs/webhook.schema.json"]
    assert data(run("schema", "--check", "--json"))["differing"] == files
    assert run("schema", "--write").exit_code == Code.OK
    assert run("schema", "--check").exit_code == Code.OK


def test_schema_prints_the_json_schema() -> None:
    assert data(run("schema"))["title"] == "Headend spec"


def test_explain_suggests_the_rendition_that_was_meant() -> None:
    assert "Did you mean 'demo/720p'?" in run("explain", "demo/720", DEMO).output


def test_plan_says_what_it_did_not_measure() -> None:
    assert "not measured; --calibrate does" in run("plan", DEMO).output
    assert data(run("plan", DEMO, "--json"))["cores"]["measured"] is False


def test_plan_without_ffmpeg_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert run("plan", DEMO, "--calibrate").exit_code == Code.TOOL


ANSWER = """--> Gathering facts...

--> Fact data for: deploys.facts.doctor.HeadendReport
{
    "web1": {"nginx": {"build_id": "abc"}, "units": {"nginx@web.service": {"active": "active", "sub": "running"}},
             "problems": ["nginx: stale. Deploy."]}
}

--> Disconnecting from hosts...
"""


def test_the_doctors_answer_is_found_in_what_pyinfra_prints() -> None:
    report = read_answer(ANSWER, "web1")
    assert report is not None
    assert text("web1", report).splitlines() == [
        "web1",
        "  nginx build abc",
        "  nginx@web.service active (running)",
        "  problem: nginx: stale. Deploy.",
    ]
    assert read_answer(ANSWER, "web2") is None
    assert read_answer("--> Connecting...\nERROR", "web1") is None


def test_the_module_is_the_command() -> None:
    argv = [sys.executable, "-m", "headend", "check", DEMO]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{DEMO}: ok (1 stream, 1 ladder)\n")
