"""The announcer, where the spec names a destination: a process of its own, with secrets that only it can read."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.sandbox import exposure

UNIT = "headend-announce.service"


@pytest.fixture(scope="module")
def secrets(facts: dict[str, Any]) -> list[str]:
    """Names of the destinations' secrets; a spec without a destination has no announcer to ask about."""
    told = facts["announcements"]["settings"]["destinations"] if facts["announcements"] else []
    return sorted({place["secret"] for place in told if place["secret"]})


def test_it_runs_at_boot_exactly_where_somebody_is_told(host: Host, facts: dict[str, Any]) -> None:
    wanted = facts["announcements"] is not None
    assert (host.service(UNIT).is_running, host.service(UNIT).is_enabled) == (wanted, wanted)


def test_sandbox(host: Host, secrets: list[str]) -> None:
    # It goes out, to addresses that are not known before.
    assert not secrets or exposure(host, UNIT) <= 1.7


def test_only_it_has_the_secrets(host: Host, secrets: list[str]) -> None:
    for name in secrets:
        path = f"/etc/headend/credentials/announce-{name}"
        assert (host.file(path).user, host.file(path).mode) == ("root", 0o600)
        shown = f"/run/credentials/{UNIT}/announce-{name}"
        for user in ("headend-encoder", "headend-web", "headend-ingest", "headend-srt", "headend-remux"):
            assert host.run("runuser -u %s -- cat %s", user, shown).rc != 0
        pid = host.check_output("systemctl show --property=MainPID --value headend-hooks.service")
        looked = f"test -e /run/credentials/headend-hooks.service/announce-{name}"
        assert host.run(f"nsenter --target {pid} --mount -- {looked}").rc != 0


def test_no_secret_is_in_the_environment_or_the_arguments(host: Host, secrets: list[str]) -> None:
    if not secrets:
        return
    pid = host.check_output("systemctl show --property=MainPID --value %s", UNIT)
    for name in secrets:
        script = f"grep -qaF -f /etc/headend/credentials/announce-{name} /proc/{pid}/environ /proc/{pid}/cmdline"
        assert host.run(script).rc == 1


def test_it_says_that_it_lives(host: Host, secrets: list[str]) -> None:
    said = host.check_output("curl --silent --fail http://127.0.0.1:8090/metrics")
    age = [line.split()[1] for line in said.splitlines() if line.startswith("headend_announcer_age_seconds ")]
    assert not secrets or float(age[0]) < 10
