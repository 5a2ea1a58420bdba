"""The web role: nginx serves viewers, and nothing but what is meant for them."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from group_data import all as data
from tests.hosts.sandbox import exposure

ORIGIN = f"http://127.0.0.1:{data.web_http_port}"


def status(host: Host, path: str, *options: str) -> int:
    """HTTP status of a path as a viewer on this host gets it; the path is sent as written."""
    shell = " ".join(["curl --silent --path-as-is --output /dev/null --write-out '%%{http_code}'", *options, "%s"])
    return int(host.check_output(shell, ORIGIN + path))


def test_nginx_runs_at_boot(host: Host) -> None:
    service = host.service("nginx@web.service")
    assert service.is_running
    assert service.is_enabled


def test_sandbox(host: Host) -> None:
    assert exposure(host, "nginx@web.service") <= 1.7


def test_workers_run_as_the_web_user(host: Host) -> None:
    users = host.check_output("ps -eo user:32=,args= | grep '[n]ginx: worker' | cut -d' ' -f1").split()
    assert "headend-web" in users
    assert set(users) <= {"headend-web", "headend-ingest", "headend-srt"}


def test_it_says_that_it_is_well(host: Host) -> None:
    assert status(host, "/healthz") == 200


def test_every_stream_has_its_master_playlist_and_watch_page(host: Host, slugs: list[str]) -> None:
    for slug in slugs:
        assert host.check_output("curl -sSf %s", f"{ORIGIN}/streams/{slug}/index.m3u8").startswith("#EXTM3U")
        assert status(host, f"/watch/{slug}") == 200


CLOSED = [
    "/streams/",
    "/streams/{slug}/",
    "/streams/{slug}/encode",
    "/streams/../hooks_app.json",
    "/streams/%2e%2e/hooks_app.json",
    "/hooks/on_publish",
    "/api/../hooks/on_publish",
    "/stat",
    "/control",
]


@pytest.mark.parametrize("path", CLOSED)
def test_no_way_to_what_is_not_for_viewers(host: Host, slugs: list[str], path: str) -> None:
    assert status(host, path.format(slug=slugs[0])) in (400, 403, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_api_is_read_only_without_a_token(host: Host, slugs: list[str], method: str) -> None:
    assert status(host, f"/api/v1/streams/{slugs[0]}", "--request", method) in (401, 403, 405)


def test_the_api_is_reachable_by_viewers(host: Host, slugs: list[str]) -> None:
    assert status(host, f"/api/v1/streams/{slugs[0]}") == 200
    assert status(host, "/api/v1/streams/not-in-the-spec") == 404


def test_it_uses_nothing_of_the_hosts_own_nginx(host: Host) -> None:
    pid = host.check_output("systemctl show --property=MainPID --value nginx@web.service")
    assert host.check_output("readlink /proc/%s/exe", pid).startswith("/opt/headend/nginx/releases/")
    opened = host.check_output("ls -l /proc/%s/fd", pid)
    assert "/etc/nginx" not in opened
    assert "/var/log/nginx" not in opened
