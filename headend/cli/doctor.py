"""`headend doctor`: how a host is. pyinfra asks it, in a process of its own; this package never imports pyinfra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from headend.cli.output import GROUP_DATA, AsJson, Code, GroupData, load_layout, print_json, stop
from headend.layout import Layout

FACT = "deploys.facts.doctor.HeadendReport"
ANSWER = f"--> Fact data for: {FACT}"
TIMEOUT_SECONDS = 120
PATHS = ("prefix", "config_dir", "state_dir", "media_root", "recordings_root")


def doctor(
    host: Annotated[str, typer.Argument(help="A host as pyinfra names it: an SSH name, @local, @podman/NAME.")],
    inventory: Annotated[
        Path | None, typer.Option("--inventory", help="Inventory that knows how to reach the host.")
    ] = None,
    group_data: GroupData = GROUP_DATA,
    as_json: AsJson = False,
) -> None:
    """Report a host: its nginx build, its units, and every problem with what to do."""
    layout = load_layout(group_data, as_json=as_json)
    report = ask(host, inventory, layout, as_json=as_json)
    problems = report.get("problems", [])
    if as_json:
        print_json({"ok": not problems, "host": host, **report})
    else:
        typer.echo(text(host, report))
    raise typer.Exit(Code.FAULTS if problems else Code.OK)


def ask(host: str, inventory: Path | None, layout: Layout, *, as_json: bool) -> dict[str, Any]:
    """The report of one host, as deploys.facts.doctor makes it."""
    if host.startswith("-"):
        stop(Code.USAGE, f"'{host}' is not a host.", as_json=as_json)
    where = [str(inventory), "--limit", host] if inventory else [host]
    paths = [f"{name}={getattr(layout, name)}" for name in PATHS]
    argv = [sys.executable, "-m", "pyinfra", "-y", *where, "fact", FACT, *paths]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        stop(Code.TOOL, f"{host}: no answer in {TIMEOUT_SECONDS} s. Check that pyinfra reaches it.", as_json=as_json)
    answer = read_answer(done.stdout + done.stderr, host)
    if answer is None:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = next((line for line in said if not line.startswith("-->")), said[-1] if said else "no output")
        message = f"{host}: pyinfra could not ask it ({reason[:200]}). Try 'pyinfra {host} exec -- true'."
        stop(Code.TOOL, message, as_json=as_json)
    return answer


def read_answer(output: str, host: str) -> dict[str, Any] | None:
    """The host's report out of what pyinfra prints, None when there is none."""
    _, found, rest = output.partition(ANSWER)
    start = rest.find("{")
    if not found or start < 0:
        return None
    try:
        reports, _ = json.JSONDecoder().raw_decode(rest[start:])
    except ValueError:
        return None
    report = reports.get(host)
    return report if isinstance(report, dict) and report else None


def text(host: str, report: dict[str, Any]) -> str:
    """The report for a terminal."""
    build = report.get("nginx") or {}
    lines = [host, f"  nginx build {build.get('build_id', 'none')}"]
    if libsrt := report.get("libsrt"):
        verdict = "ok" if libsrt.get("ok") else "too old"
        lines.append(f"  libsrt {libsrt.get('version')} ({verdict}, needs {libsrt.get('minimum')})")
    for unit, state in report.get("units", {}).items():
        pending = ", waits for a deploy" if state.get("pending") else ""
        lines.append(f"  {unit} {state.get('active')} ({state.get('sub')}){pending}")
    if prune := report.get("prune"):
        lines.append(f"  last prune {prune.get('last') or 'never'} ({prune.get('result')})")
    problems = report.get("problems", [])
    lines += [f"  problem: {problem}" for problem in problems] or ["  no problems"]
    return "\n".join(lines)
