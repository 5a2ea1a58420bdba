"""The archiver, where something is recorded: a user of its own, with a secret that only it can read."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.sandbox import exposure

UNIT = "headend-archive.service"
TIMER = "headend-prune.timer"
OTHERS = ("headend-encoder", "headend-finish", "headend-hooks", "headend-ingest", "headend-srt", "headend-web")


@pytest.fixture(scope="module")
def recordings(facts: dict[str, Any]) -> dict[str, Any] | None:
    """What is recorded; None where nothing is."""
    found: dict[str, Any] | None = facts["recordings"]
    return found


@pytest.fixture(scope="module")
def secret(recordings: dict[str, Any] | None) -> str | None:
    """Name of the archive's secret; None without an archive."""
    archive = recordings["settings"]["archive"] if recordings else None
    return archive["secret"] if archive else None


def test_it_runs_at_boot_exactly_where_something_is_recorded(host: Host, recordings: dict[str, Any] | None) -> None:
    wanted = recordings is not None
    for unit in (UNIT, TIMER):
        # Of a unit that is not there testinfra says nothing, not even that.
        known = host.file(f"/etc/systemd/system/{unit}").exists
        assert known == wanted
        assert not known or (host.service(unit).is_running and host.service(unit).is_enabled)


def test_sandbox(host: Host, recordings: dict[str, Any] | None) -> None:
    for unit in (UNIT, "headend-prune.service"):
        assert not recordings or exposure(host, unit) <= 1.8


def test_only_it_has_the_secret(host: Host, secret: str | None) -> None:
    if secret is None:
        return
    path = f"/etc/headend/credentials/archive-{secret}"
    assert (host.file(path).user, host.file(path).mode) == ("root", 0o600)
    for user in OTHERS:
        assert host.run("runuser -u %s -- cat %s", user, f"/run/credentials/{UNIT}/archive").rc != 0
    pid = host.check_output("systemctl show --property=MainPID --value %s", UNIT)
    assert host.run(f"grep -qaF -f {path} /proc/{pid}/environ /proc/{pid}/cmdline").rc == 1


def test_the_database_is_open_to_it_and_to_nobody_else(
    host: Host, facts: dict[str, Any], recordings: dict[str, Any] | None
) -> None:
    if not facts["database_url"].startswith("sqlite"):
        return
    folder = host.file("/var/lib/headend/hooks")
    database = host.file("/var/lib/headend/hooks/state.sqlite3")
    assert (folder.mode, folder.user, folder.group) == (
        0o2770 if recordings else 0o750,
        "headend-hooks",
        "headend-hooks",
    )
    assert (database.user, database.group) == ("headend-hooks", "headend-hooks")
    assert not recordings or database.mode == 0o660
    for user in OTHERS:
        if user != "headend-hooks":
            assert host.run("runuser -u %s -- cat %s", user, database.path).rc != 0


def test_the_database_can_be_written_by_it_while_the_hook_app_writes(
    host: Host, facts: dict[str, Any], recordings: dict[str, Any] | None
) -> None:
    if not recordings or not facts["database_url"].startswith("sqlite"):
        return
    code = (
        "import sqlite3; c = sqlite3.connect('/var/lib/headend/hooks/state.sqlite3', timeout=5, isolation_level=None);"
        " c.execute('BEGIN IMMEDIATE'); c.execute('ROLLBACK')"
    )
    assert host.run("runuser -u headend-archive -G headend-hooks -- python3 -c %s", code).rc == 0
