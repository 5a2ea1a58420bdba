"""The archiver on a host: what it runs with, and its end where nothing is recorded any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deploys import activate, archiver
from deploys.facts.files import MissingPaths
from deploys.facts.units import Units, UnitState
from deploys.site import Site
from group_data import all as data
from headend.artifact import Artifact
from headend.layout import Layout

PLACES = {"config_dir": "/etc/headend", "applied_dir": "/var/lib/headend/applied"}
RUNNING = UnitState(active="active", sub="running", enabled=True)
FILES = archiver.files("/etc/headend")
PRUNE = Artifact(path="/etc/systemd/system/headend-prune.service", text="1", unit="headend-prune.service")
SERVER = "postgresql+psycopg://headend@db.example.org/headend"


def here(database_url: str = "", **more: Any) -> Site:
    layout = Layout.from_data({**vars(data), "database_url": database_url})
    recorded = {"records": True, "archive_secrets": ("store",), **more}
    return Site(roles=("ingest", "control", "web"), layout=layout, slugs=("demo",), artifacts=(PRUNE,), **recorded)


def retire(run_operation: Callable[..., Any], missing: tuple[str, ...], states: dict[str, UnitState]) -> list[str]:
    commands: list[str] = run_operation(archiver.retire, {MissingPaths: missing, Units: states}, **PLACES).commands
    return commands


def test_a_new_secret_of_the_archive_restarts_the_archiver_alone() -> None:
    wanted = activate.unit_of(here(), "headend-archive.service")
    assert wanted is not None
    assert wanted.watched == ("/etc/headend/credentials/archive-store",)
    assert wanted.release_link == "/opt/headend/app/current"
    hooks = activate.unit_of(here(), "headend-hooks.service")
    assert hooks is not None
    assert "archive-store" not in str(hooks.watched)


def test_a_new_password_of_the_database_restarts_it_too() -> None:
    wanted = activate.unit_of(here(SERVER), "headend-archive.service")
    assert wanted is not None
    assert "/etc/headend/credentials/database" in wanted.watched


def test_a_restart_of_it_waits_for_no_live_show() -> None:
    for unit in (archiver.UNIT, archiver.TIMER):
        wanted = activate.unit_of(here(), unit)
        assert wanted is not None
        assert wanted.cuts is None


def test_recordings_without_an_archive_have_an_archiver_without_a_secret() -> None:
    wanted = activate.unit_of(here(archive_secrets=()), "headend-archive.service")
    assert wanted is not None
    assert wanted.watched == ()


def test_a_host_that_records_nothing_has_neither_unit() -> None:
    silent = replace(here(), records=False, archive_secrets=())
    assert [activate.unit_of(silent, unit) for unit in (archiver.UNIT, archiver.TIMER)] == [None, None]


def test_the_timer_is_started_and_what_it_starts_is_not() -> None:
    wanted = activate.unit_of(here(), archiver.TIMER)
    assert wanted is not None
    assert activate.hashes(wanted, "") == activate.hashes(replace(wanted, artifacts=()), "")
    assert "headend-prune.service" not in activate.UNITS


def test_the_hook_app_runs_before_the_archiver_because_it_opens_the_database() -> None:
    assert activate.UNITS.index("headend-hooks.service") < activate.UNITS.index(archiver.UNIT)


def test_the_archiver_of_a_spec_that_records_nothing_goes_and_the_recordings_stay(
    run_operation: Callable[..., Any],
) -> None:
    commands = retire(run_operation, (), {archiver.UNIT: RUNNING, archiver.TIMER: RUNNING})
    assert commands == [
        "systemctl disable --quiet --now -- headend-archive.service headend-prune.timer",
        "systemctl stop -- headend-prune.service 'headend-finish@*.service' 2>/dev/null; true",
        f"rm -f -- {' '.join(FILES)} /var/lib/headend/applied/headend-archive.service "
        "/var/lib/headend/applied/headend-prune.timer",
        "systemctl daemon-reload",
    ]
    assert "recordings" not in " ".join(commands)


def test_a_retirement_that_died_half_way_is_finished(run_operation: Callable[..., Any]) -> None:
    left = tuple(path for path in FILES if "archiver.json" not in path)
    commands = retire(run_operation, left, {archiver.UNIT: UnitState(), archiver.TIMER: UnitState()})
    assert [command.split(" -- ")[0] for command in commands] == ["systemctl stop", "rm -f", "systemctl daemon-reload"]
    assert "/etc/headend/archiver.json" in commands[1]


def test_a_host_that_never_recorded_noop(run_operation: Callable[..., Any]) -> None:
    run = run_operation(archiver.retire, {MissingPaths: FILES}, **PLACES)
    assert (run.commands, run.said) == ([], ["noop: nothing of the archiver is here"])
