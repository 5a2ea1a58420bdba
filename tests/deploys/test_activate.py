"""Which verb for which difference, and never a live show cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deploys import activate
from deploys.facts.activation import Activation, UnitActivation
from deploys.facts.applied import Applied
from deploys.facts.libsrt import Libsrt, LibsrtState
from deploys.facts.units import LiveCallers, LiveStreams, UnitState
from deploys.site import Site
from group_data import all as data
from headend.artifact import Artifact
from headend.layout import Layout

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
    cuts=LiveStreams,
    stat_port=8081,
)
APPLIED_DIR = "/var/lib/headend/applied"
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
    return run_operation(activate.run, facts, wanted=WANTED, applied_dir=APPLIED_DIR, cut_live_streams=cut)


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


SRT = activate.Wanted(
    unit="nginx@srt.service",
    artifacts=(UNIT,),
    release_link="/opt/headend/nginx/current",
    check="nginx -t",
    cuts=LiveCallers,
    stat_port=8082,
    watched=("/etc/headend/credentials/master",),
    needs_libsrt=True,
)
MASTER = "1795527397 /etc/headend/credentials/master"
SRT_DESIRED = activate.hashes(SRT, "releases/a", (MASTER,))
GOOD = LibsrtState(version="1.5.1-1+deb12u2", minimum="1.5.1-1+deb12u2", ok=True)
OLD = LibsrtState(version="1.5.1-1", minimum="1.5.1-1+deb12u2", ok=False)
OTHER_MASTER = activate.hashes(SRT, "releases/a", ("1795000000 /etc/headend/credentials/master",))

SRT_VERBS = [
    ("running_noop", RUNNING, SRT_DESIRED, [], GOOD, []),
    ("other_secret_restarts", RUNNING, OTHER_MASTER, [], GOOD, ["nginx -t", "restart"]),
    ("a_caller_defers_it", RUNNING, OTHER_MASTER, ["demo"], GOOD, []),
    ("silent_stat_page_defers_it", RUNNING, OTHER_MASTER, None, GOOD, []),
    ("not_installed_yet_in_a_dry_run", UnitState(), Applied(), None, None, ["nginx -t", "enable --quiet", "start"]),
    ("old_libsrt_is_not_started", UnitState(), Applied(), None, OLD, []),
    ("old_libsrt_is_not_restarted", RUNNING, OTHER_MASTER, [], OLD, []),
    ("old_libsrt_and_nothing_to_do_noop", RUNNING, SRT_DESIRED, [], OLD, []),
]


def act_srt(
    run_operation: Callable[..., Any],
    state: UnitState,
    applied: Applied,
    live: list[str] | None,
    libsrt: LibsrtState | None,
) -> Any:
    """Run the operation for nginx@srt on a host in that state."""
    facts = {
        UnitActivation: Activation(state=state, applied=applied, release="releases/a", modified=(MASTER,)),
        LiveCallers: live,
        Libsrt: libsrt,
    }
    return run_operation(activate.run, facts, wanted=SRT, applied_dir=APPLIED_DIR, cut_live_streams=False)


@pytest.mark.parametrize(
    "state,applied,live,libsrt,expected", [case[1:] for case in SRT_VERBS], ids=[case[0] for case in SRT_VERBS]
)
def test_verb_for_srt(
    run_operation: Callable[..., Any],
    state: UnitState,
    applied: Applied,
    live: list[str] | None,
    libsrt: LibsrtState | None,
    expected: list[str],
) -> None:
    commands = act_srt(run_operation, state, applied, live, libsrt).commands
    assert verbs([command.replace("nginx@srt", "nginx@ingest") for command in commands]) == expected


def test_a_deferral_for_a_caller_is_said(run_operation: Callable[..., Any]) -> None:
    run = act_srt(run_operation, RUNNING, OTHER_MASTER, ["demo"], GOOD)
    assert run.said == ["nginx@srt.service: restart deferred, demo is live. The next deploy does it."]


def test_an_old_libsrt_is_said_in_one_line(run_operation: Callable[..., Any]) -> None:
    run = act_srt(run_operation, UnitState(), Applied(), None, OLD)
    assert run.said == [
        "nginx@srt.service: no start, libsrt 1.5.1-1 is older than 1.5.1-1+deb12u2, which fixes flaws that strangers "
        "can use. Run apt-get update, then apt-get install libsrt1.5-openssl, then deploy."
    ]
    assert run.commands == []


def test_the_time_of_the_secret_is_remembered_and_nothing_else_of_it(run_operation: Callable[..., Any]) -> None:
    last = act_srt(run_operation, UnitState(), Applied(), None, GOOD).commands[-1]
    assert f"modified {MASTER}" in last


def here(database_url: str = "") -> Site:
    layout = Layout.from_data({**vars(data), "database_url": database_url})
    told = {"announces": True, "announcement_secrets": ("chat",), "records": True}
    return Site(roles=("ingest", "control", "web"), layout=layout, slugs=("demo",), artifacts=(), **told)


def test_a_new_secret_of_a_destination_restarts_the_announcer_alone() -> None:
    wanted = activate.unit_of(here(), "headend-announce.service")
    assert wanted is not None
    assert wanted.watched == ("/etc/headend/credentials/announce-chat",)
    silent = replace(here(), announces=False, announcement_secrets=())
    assert activate.unit_of(silent, "headend-announce.service") is None


def test_every_unit_has_something_to_run_with() -> None:
    assert [unit for unit in activate.UNITS if activate.unit_of(here(), unit) is None] == []


@pytest.mark.parametrize(
    "database_url, watched",
    [
        ("", ("/etc/headend/credentials/master",)),
        (
            "postgresql+psycopg://headend@db.example.org/headend",
            ("/etc/headend/credentials/master", "/etc/headend/credentials/database"),
        ),
        ("postgresql+psycopg://headend@/headend?host=/run/postgresql", ("/etc/headend/credentials/master",)),
    ],
    ids=["sqlite", "server", "socket"],
)
def test_the_hook_app_takes_a_new_secret_over(database_url: str, watched: tuple[str, ...]) -> None:
    wanted = activate.unit_of(here(database_url), "headend-hooks.service")
    assert wanted
    assert wanted.watched == watched


def test_a_database_server_has_no_timer_here() -> None:
    assert activate.unit_of(here("postgresql+psycopg://headend@db.example.org/headend"), "headend-backup.timer") is None


def test_the_backups_timer_is_started_and_its_service_is_not() -> None:
    timer = Artifact(path="/t", text="1", unit="headend-backup.timer", action="restart")
    service = Artifact(path="/s", text="1", unit="headend-backup.service")
    wanted = activate.Wanted(unit="headend-backup.timer", artifacts=(timer, service), release_link="")
    alone = activate.Wanted(unit="headend-backup.timer", artifacts=(timer,), release_link="")
    assert activate.hashes(wanted, "") == activate.hashes(alone, "")
    assert "headend-backup.timer" in activate.UNITS
    assert "headend-backup.service" not in activate.UNITS
