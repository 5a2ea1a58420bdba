"""The builder role: an artifact that is named by the hash of its inputs, built without root."""

from __future__ import annotations

import json

from testinfra.host import Host


def test_the_artifact_matches_its_checksum(host: Host) -> None:
    checked = host.check_output(
        "cd /var/lib/headend/builder && sha256sum --check --strict headend-nginx-*.tar.gz.sha256"
    )
    assert checked
    assert all(line.endswith(": OK") for line in checked.splitlines())


def test_the_build_says_what_it_was_made_of(host: Host) -> None:
    last = json.loads(host.file("/var/lib/headend/builder/last.json").content_string)
    archive = f"/var/lib/headend/builder/headend-nginx-{last['build_id']}.tar.gz"
    build = json.loads(host.check_output("tar -xOzf %s ./BUILD.json", archive))
    assert build["build_id"] == last["build_id"]
    assert build["sources"]["nginx"]["sha256"]
    assert build["patches"], "the RTMP module was built without our patches"


def test_no_work_is_left(host: Host) -> None:
    assert host.check_output("find /var/lib/headend/builder -maxdepth 1 -name 'work.*'") == ""
