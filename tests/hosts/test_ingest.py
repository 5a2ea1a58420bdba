"""The ingest role: nginx takes RTMP, an encoder unit waits for each stream."""

from __future__ import annotations

from typing import Any

from testinfra.host import Host

from tests.hosts.sandbox import exposure


def test_nginx_runs_at_boot(host: Host) -> None:
    service = host.service("nginx@ingest.service")
    assert service.is_running
    assert service.is_enabled


def test_nginx_has_one_worker_and_one_user(host: Host) -> None:
    users = host.check_output("ps -eo user:32=,args= | grep '[n]ginx: ' | grep headend-ingest")
    assert [line.split()[2] for line in users.splitlines()] == ["master", "worker"]


def test_rtmp_is_public_and_the_stat_page_is_not(host: Host, facts: dict[str, Any]) -> None:
    stat_address = facts["stat_url"].removeprefix("http://").partition("/")[0]
    listening = host.check_output("ss -Hltn").splitlines()
    local = [line.split()[3] for line in listening]
    assert stat_address in local
    assert stat_address.startswith("127.0.0.1:")
    assert "0.0.0.0:1935" in local or "*:1935" in local or "[::]:1935" in local


def test_stat_page_answers(host: Host, facts: dict[str, Any]) -> None:
    assert "<rtmp>" in host.check_output("curl -sSf %s", facts["stat_url"])


def test_sandboxes(host: Host, slugs: list[str]) -> None:
    assert exposure(host, "nginx@ingest.service") <= 1.7
    assert exposure(host, f"ffmpeg@{slugs[0]}.service") <= 1.5


def test_every_stream_has_a_script_that_everybody_may_read_and_run(host: Host, slugs: list[str]) -> None:
    for slug in slugs:
        script = host.file(f"/etc/headend/streams/{slug}/encode")
        assert (script.mode, script.user) == (0o755, "root")


def test_every_stream_has_a_folder_of_its_encoder(host: Host, slugs: list[str], facts: dict[str, Any]) -> None:
    for slug in slugs:
        folder = host.file(f"{facts['media_root']}/hls/{slug}")
        assert (folder.is_directory, folder.user, folder.mode & 0o005) == (True, "headend-encoder", 0o005)


def test_encoders_start_with_their_publisher_not_at_boot(host: Host, slugs: list[str]) -> None:
    states = {host.run("systemctl is-enabled ffmpeg@%s.service", slug).stdout.strip() for slug in slugs}
    assert states == {"static"}


def test_nginx_is_our_own_build(host: Host) -> None:
    pid = host.check_output("systemctl show --property=MainPID --value nginx@ingest.service")
    assert host.check_output("readlink /proc/%s/exe", pid).startswith("/opt/headend/nginx/releases/")
