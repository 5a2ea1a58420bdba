"""The control role: the hook app, and the one thing polkit lets it do."""

from __future__ import annotations

from typing import Any

import pytest
from testinfra.host import Host

from tests.hosts.sandbox import exposure


def test_hook_app_runs_at_boot(host: Host) -> None:
    service = host.service("headend-hooks.service")
    assert service.is_running
    assert service.is_enabled


def test_hook_app_is_on_loopback_only(host: Host, facts: dict[str, Any]) -> None:
    local = [line.split()[3] for line in host.check_output("ss -Hltn").splitlines()]
    port = f":{facts['listen_port']}"
    assert [address for address in local if address.endswith(port)] == [f"127.0.0.1{port}"]


def test_sandbox(host: Host) -> None:
    assert exposure(host, "headend-hooks.service") <= 1.7


def test_state_is_the_hook_apps_own(host: Host) -> None:
    folder = host.file("/var/lib/headend/hooks")
    assert (folder.user, folder.group, folder.mode) == ("headend-hooks", "headend-hooks", 0o750)
    assert host.file("/var/lib/headend/hooks/state.sqlite3").user == "headend-hooks"


def test_at_most_two_releases_are_kept(host: Host) -> None:
    kept = host.check_output("ls -1 /opt/headend/app/releases").split()
    assert host.check_output("basename $(readlink /opt/headend/app/current)") in kept
    assert len(kept) <= 2


# Each would do no harm if it were allowed: the units run already, or do not exist.
REFUSED = {
    "other_unit": ("headend-hooks", "systemctl start nginx@web.service"),
    "verb_set_property": ("headend-hooks", "systemctl set-property --runtime ffmpeg@{slug}.service CPUWeight=100"),
    "other_user": ("headend-web", "systemctl start ffmpeg@{slug}.service"),
    "enable": ("headend-hooks", "systemctl enable ffmpeg@{slug}.service"),
    "daemon_reload": ("headend-hooks", "systemctl daemon-reload"),
    "transient_unit": ("headend-hooks", "systemd-run --quiet true"),
    "escaped_slash": ("headend-hooks", r"systemctl start ffmpeg@{slug}\\x2fx.service"),
    "not_in_the_spec": ("headend-hooks", "systemctl start ffmpeg@not-in-the-spec.service"),
}


@pytest.mark.parametrize("user,command", REFUSED.values(), ids=REFUSED)
def test_polkit_refuses(host: Host, slugs: list[str], user: str, command: str) -> None:
    program, _, arguments = command.format(slug=slugs[0]).partition(" ")
    done = host.run(f"runuser -u {user} -- {program} --no-ask-password {arguments}")
    assert done.rc != 0
    assert any(word in done.stderr for word in ("Access denied", "authentication required", "Permission denied")), done


def answer(host: Host, unit: str, verb: str) -> int:
    """Exit status of pkcheck, 0 for yes: polkit's answer to the hook app's user, asked and not acted upon."""
    script = (
        "runuser -u headend-hooks -- sh -c 'exec sleep 10' & sleep 0.3;"
        " pid=$(pgrep -u headend-hooks -x sleep | tail -n 1);"
        " pkcheck --process $pid --action-id org.freedesktop.systemd1.manage-units --detail unit %s --detail verb %s;"
        " rc=$?; kill $pid; exit $rc"
    )
    return int(host.run(script, unit, verb).rc)


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_polkit_allows(host: Host, slugs: list[str], verb: str) -> None:
    assert answer(host, f"ffmpeg@{slugs[0]}.service", verb) == 0


@pytest.mark.parametrize("verb", ["kill", "set-property", "reload", "reset-failed"])
def test_polkit_refuses_other_verbs(host: Host, slugs: list[str], verb: str) -> None:
    assert answer(host, f"ffmpeg@{slugs[0]}.service", verb) != 0


def test_api_tells_the_state_of_every_stream(host: Host, slugs: list[str], facts: dict[str, Any]) -> None:
    for slug in slugs:
        answer = host.check_output("curl -sSf http://127.0.0.1:%s/api/v1/streams/%s", str(facts["listen_port"]), slug)
        assert f'"slug":"{slug}"' in answer.replace(" ", "")


def test_key_command_runs_as_the_hook_apps_user(host: Host, slugs: list[str]) -> None:
    done = host.run("headend-key list %s --json", slugs[0])
    assert done.rc == 0, done
    assert host.file("/usr/local/bin/headend-key").mode == 0o755
