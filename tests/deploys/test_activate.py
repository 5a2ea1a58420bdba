"""Which verb for which difference, and never a live show cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deploys import activate
from deploys.facts.activation import Activation, UnitActivation
from deploys.facts.applied import Applied
from deploys.facts.units import LiveStreams, UnitState
from headend.artifact import Artifact

CONF = Artifact(
    path="/etc/headend/nginx/ingest.conf", text="worker_processes 1;", unit="nginx@ingest.service", action="reload"
)
UNIT = Artifact(path="/etc/systemd/system/nginx@.service", text="[Service]", unit="nginx@.service", action="restart")
OTHER = Artifact(path="/etc/headend/nginx/web.conf", text="events {}", unit="nginx@web.service", action="reload")
WANTED = activate.Wanted(
    unit="nginx@ingest.service",
    artifacts=(CONF, UNIT, OTHER),
    release_link="/opt/headend/nginx/current",
    check="nginx -t",
    cuts_live=True,
)
DESIRED = activate.hashes(WANTED, "releases/a")
RUNNING = UnitState(active="active", sub="running", enabled=True)
OLD_CONF = Applied(restart=DESIRED.restart, reload="0")
OLD_BUILD = Applied(restart="0", reload=DESIRED.reload)

VERBS = [
    ("running_noop", RUNNING, DESIRED, [], []),
    ("reloading_counts_as_running", UnitState(active="reloading", enabled=True), DESIRED, [], []),
    ("bare_host_starts", UnitState(), Applied(), [], ["nginx -t", "enable --quiet", "start"]),
    ("failed_unit_starts", UnitState(active="failed", enabled=True), DESIRED, [], ["nginx -t", "start"]),
    ("config_reloads", RUNNING, OLD_CONF, [], ["nginx -t", "reload"]),
    ("build_restarts", RUNNING, OLD_BUILD, [], ["nginx -t", "restart"]),
    ("both_restart_once", RUNNING, Applied(), [], ["nginx -t", "restart"]),
    ("disabled_is_enabled", UnitState(active="active"), DESIRED, [], ["enable --quiet"]),
    (
        "unit_file_on_disk_is_newer",
        UnitState(active="active", enabled=True, needs_daemon_reload=True),
        DESIRED,
        [],
        ["daemon-reload"],
    ),
    ("live_defers_reload", RUNNING, OLD_CONF, ["demo"], []),
    ("live_defers_restart", RUNNING, OLD_BUILD, ["demo"], []),
    ("silent_stat_page_defers", RUNNING, OLD_BUILD, None, []),
    ("live_does_not_defer_a_start", UnitState(enabled=True), DESIRED, ["demo"], ["nginx -t", "start"]),
]


def act(
    run_operation: Callable[..., Any], state: UnitState, applied: Applied, live: list[str] | None, *, cut: bool = False
) -> Any:
    """Run the operation on a host in that state."""
    facts = {
        UnitActivation: Activation(state=state, applied=applied, release="releases/a"),
        LiveStreams: live,
    }
    return run_operation(
        activate.run, facts, wanted=WANTED, applied_dir="/var/lib/headend/applied", stat_port=8081, cut_live_streams=cut
    )


def verbs(commands: list[str]) -> list[str]:
    """The commands without what is the same in all: program name, unit name, remembering the hash."""
    shown = [command.removeprefix("systemctl ").removesuffix(" -- nginx@ingest.service") for command in commands]
    return [command for command in shown if not command.startswith("install -d")]


@pytest.mark.parametrize("state,applied,live,expected", [case[1:] for case in VERBS], ids=[case[0] for case in VERBS])
def test_verb(
    run_operation: Callable[..., Any], state: UnitState, applied: Applied, live: list[str] | None, expected: list[str]
) -> None:
    assert verbs(act(run_operation, state, applied, live).commands) == expected


def test_deferral_is_said_and_remembers_nothing(run_operation: Callable[..., Any]) -> None:
    run = act(run_operation, RUNNING, OLD_BUILD, ["demo"])
    assert run.said == ["nginx@ingest.service: restart deferred, demo is live. The next deploy does it."]
    assert run.commands == []


def test_an_operator_may_cut_a_show(run_operation: Callable[..., Any]) -> None:
    assert verbs(act(run_operation, RUNNING, OLD_BUILD, ["demo"], cut=True).commands) == ["nginx -t", "restart"]


def test_hash_is_remembered_after_the_verb(run_operation: Callable[..., Any]) -> None:
    last = act(run_operation, RUNNING, OLD_CONF, []).commands[-1]
    assert DESIRED.reload in last
    assert "/var/lib/headend/applied/nginx@ingest.service" in last


HASHES = [
    ("own_config", activate.Wanted(unit=WANTED.unit, artifacts=(UNIT, OTHER), release_link=""), "releases/a", "reload"),
    (
        "template_unit",
        activate.Wanted(unit=WANTED.unit, artifacts=(CONF, OTHER), release_link=""),
        "releases/a",
        "restart",
    ),
    ("release", WANTED, "releases/b", "restart"),
]


@pytest.mark.parametrize("wanted,release,changed", [case[1:] for case in HASHES], ids=[case[0] for case in HASHES])
def test_what_counts(wanted: activate.Wanted, release: str, changed: str) -> None:
    other = activate.hashes(wanted, release)
    assert [name for name in ("restart", "reload") if getattr(other, name) != getattr(DESIRED, name)] == [changed]


def test_other_instance_does_not_count() -> None:
    without = activate.Wanted(unit=WANTED.unit, artifacts=(CONF, UNIT), release_link="")
    assert activate.hashes(without, "releases/a") == DESIRED
