"""The control role: the hook app, and the one thing polkit lets it do."""

from __future__ import annotations

import json
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
    "escaped_hyphen": ("headend-hooks", r"systemctl start ffmpeg@{slug}\\x2dx.service"),
    "other_template": ("headend-hooks", "systemctl start srt-remux@{slug}.service"),
}


@pytest.mark.parametrize("user,command", REFUSED.values(), ids=REFUSED)
def test_polkit_refuses(host: Host, slugs: list[str], user: str, command: str) -> None:
    program, _, arguments = command.format(slug=slugs[0]).partition(" ")
    done = host.run(f"runuser -u {user} -- {program} --no-ask-password {arguments}")
    assert done.rc != 0
    assert any(word in done.stderr for word in ("Access denied", "authentication required", "Permission denied")), done


def as_hook_app(host: Host, command: str, *arguments: str) -> int:
    """Exit status of a command of the hook app's user."""
    return int(host.run(f"runuser -u headend-hooks -- {command}", *arguments).rc)


def until(host: Host, script: str) -> bool:
    """Whether a script succeeds within ten seconds."""
    return bool(host.run(f"for i in $(seq 100); do {script} && exit 0; sleep 0.1; done; exit 1").rc == 0)


def test_an_encoder_of_no_stream_ends_for_good_and_makes_nothing(host: Host) -> None:
    unit = "ffmpeg@not-in-the-spec.service"
    assert as_hook_app(host, "systemctl --no-ask-password start --no-block %s", unit) == 0
    shown = f"systemctl show -p ExecMainStatus -p NRestarts -p ActiveState {unit}"
    assert until(host, f"{shown} | grep -qx ActiveState=failed")
    assert {"ExecMainStatus=78", "NRestarts=0"} <= set(host.check_output(shown).split())
    host.run("systemctl reset-failed %s", unit)


def answer(host: Host, unit: str, verb: str) -> int:
    """Exit status of pkcheck, 0 for yes: polkit's answer to the hook app's user, asked and not acted upon."""
    script = (
        "runuser -u headend-hooks -- sh -c 'exec sleep 10' &"
        " until pid=$(pgrep --newest -u headend-hooks -x sleep); do sleep 0.05; done;"
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


def test_the_first_token_is_made_on_the_host_and_is_good(host: Host, facts: dict[str, Any]) -> None:
    made = json.loads(host.check_output("headend token add --role viewer --label host-test --json"))
    try:
        url = f"http://127.0.0.1:{facts['listen_port']}/api/v1/whoami"
        # By a file: an argument would show in the list of processes.
        said = host.check_output(
            "printf 'header = \"Authorization: Bearer %s\"' | curl -sSf -K - %s", made["token"], url
        )
        assert json.loads(said)["token_id"] == made["token_id"]
    finally:
        host.run("headend token revoke %s", made["token_id"])


def test_a_backup_is_taken_by_the_timer_s_unit_and_is_whole(host: Host) -> None:
    assert host.service("headend-backup.timer").is_running
    assert host.run("systemctl start headend-backup.service").rc == 0
    newest = json.loads(host.check_output("headend backup list --json"))[0]["file"]
    assert host.run("headend backup verify %s", newest).rc == 0
    assert (host.file(newest).user, host.file(newest).mode) == ("headend-hooks", 0o600)


def test_metrics_say_of_what_the_ingest_is_built(host: Host) -> None:
    said = host.check_output("curl --silent --fail http://127.0.0.1:8090/metrics")
    assert "\nheadend_database_up 1.0\n" in said
    assert "\nheadend_build_stale{" in said
