"""SRT on an ingest host: who may reach what, between a caller's packet and the loopback publish."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

from group_data import all as data
from headend import libsrt
from tests.hosts.sandbox import exposure

MASTER = "/etc/headend/credentials/master"
SOCKET = "/run/headend/srt-remux.sock"
PUBLISH = "/run/headend/ingest/publish/rtmp.sock"
EVERYBODY_ELSE = ("headend-encoder", "headend-hooks", "headend-web")


@pytest.mark.parametrize("unit", ["nginx@srt.service", "srt-remux.socket"])
def test_it_runs_at_boot(host: Host, unit: str) -> None:
    assert host.check_output("systemctl is-active %s", unit) == "active"
    assert host.check_output("systemctl is-enabled %s", unit) == "enabled"


def test_nginx_has_one_worker_and_one_user(host: Host) -> None:
    users = host.check_output("ps -eo user:32=,args= | grep '[n]ginx: ' | grep headend-srt")
    assert [line.split()[2] for line in users.splitlines()] == ["master", "worker"]


def test_the_udp_port_is_public_and_the_stat_page_is_not(host: Host, facts: dict[str, Any]) -> None:
    port = facts["srt"]["port"]
    udp = {line.split()[3] for line in host.check_output("ss -Hlun").splitlines()}
    assert {f"0.0.0.0:{port}", f"[::]:{port}"} <= udp
    tcp = [line.split()[3] for line in host.check_output("ss -Hltn").splitlines()]
    assert [address for address in tcp if address.endswith(f":{data.srt_stat_port}")] == [
        f"127.0.0.1:{data.srt_stat_port}"
    ]


def test_the_stat_page_answers(host: Host) -> None:
    page = json.loads(host.check_output("curl -sSf http://127.0.0.1:%s/srt_stat", str(data.srt_stat_port)))
    assert page["version"] == 1
    metrics = host.check_output("curl -sSf http://127.0.0.1:%s/metrics", str(data.srt_stat_port))
    assert "headend_srt_" in metrics


def test_sandboxes(host: Host) -> None:
    assert exposure(host, "nginx@srt.service") <= 1.7
    assert exposure(host, "srt-remux@1.service") <= 1.5


def test_the_master_secret_is_roots_alone(host: Host) -> None:
    folder, master = host.file("/etc/headend/credentials"), host.file(MASTER)
    assert (folder.user, folder.group, folder.mode) == ("root", "root", 0o700)
    assert (master.user, master.group, master.mode) == ("root", "root", 0o600)
    assert 32 <= master.size <= 257


def test_only_nginx_srt_has_the_master_secret(host: Host) -> None:
    pid = host.check_output("systemctl show --property=MainPID --value nginx@srt.service")
    shown = "/run/credentials/nginx@srt.service/master"
    same = 'test "$(nsenter --target %s --mount -- cat %s | sha256sum)" = "$(sha256sum <%s)"'
    assert host.run(same, pid, shown, MASTER).rc == 0
    for user in EVERYBODY_ELSE:
        assert host.run("runuser -u %s -- cat %s", user, shown).rc != 0


def test_only_remuxers_reach_the_socket_that_believes_them(host: Host) -> None:
    folder = host.file("/run/headend/ingest/publish")
    assert (folder.user, folder.group, folder.mode) == ("headend-ingest", "headend-remux", 0o750)
    assert host.run("runuser -u headend-remux -- test -w %s", PUBLISH).rc == 0
    for user in (*EVERYBODY_ELSE, "headend-srt"):
        assert host.run("runuser -u %s -- test -e %s", user, PUBLISH).rc != 0


def test_only_nginx_srt_may_start_a_remuxer(host: Host) -> None:
    assert host.run("runuser -u headend-srt -- test -w %s", SOCKET).rc == 0
    for user in (*EVERYBODY_ELSE, "headend-ingest", "headend-remux"):
        assert host.run("runuser -u %s -- test -w %s", user, SOCKET).rc != 0


def test_the_hook_app_says_who_may_call(host: Host, facts: dict[str, Any], slugs: list[str]) -> None:
    path = facts["srt"]["admit_list"]
    admitted = host.file(path)
    assert (admitted.user, admitted.mode) == ("headend-hooks", 0o644)
    lines = host.check_output("cat %s", path).splitlines()
    assert lines[0] == "headend-srt 1"
    assert {line.split()[1] for line in lines if line.startswith("stream ")} == set(slugs)


def test_no_remuxer_waits_without_a_caller(host: Host) -> None:
    # Those of callers that are on air have a session each.
    sessions = json.loads(host.check_output("curl -sSf http://127.0.0.1:%s/srt_stat", str(data.srt_stat_port)))[
        "sessions"
    ]
    units = host.check_output("systemctl list-units --plain --no-legend 'srt-remux@*.service'").splitlines()
    assert len(units) <= len(sessions)


def test_libsrt_is_new_enough(host: Host) -> None:
    release = host.check_output(". /etc/os-release; echo $VERSION_CODENAME")
    minimum = libsrt.MINIMUM.get(release, libsrt.NEWEST)
    version = host.check_output("dpkg-query -W -f '${Version}' %s", libsrt.PACKAGE)
    assert host.run("dpkg --compare-versions %s ge %s", version, minimum).rc == 0
