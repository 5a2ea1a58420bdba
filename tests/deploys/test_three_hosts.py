"""deploy.py itself, by pyinfra's command line, on hosts that answer every command with silent success.

Hosts with different roles and different specs: pyinfra tells operations apart by their place in the code, so here is
where one host could get in another one's way.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.places import ROOT
from testbed.receiver import secrets_folder

INVENTORY = """
builder = ["@fake/build"]
ingest = ["@fake/one", "@fake/two"]
control = ["@fake/one", "@fake/two"]
web = ["@fake/one", ("@fake/edge", {{"media_root_shared": True}}), "@fake/two"]
hosts = (["@fake/build", "@fake/one", "@fake/edge", "@fake/two"], {{"fake_delay": 0, "fake_delay_jitter": 0}})
some = (
    ["@fake/build", "@fake/one", "@fake/edge"],
    {{"spec": "{recorded}", "announcement_secrets_dir": "{secrets}", "archive_secrets_dir": "{keys}"}},
)
others = (["@fake/two"], {{"spec": "{other}"}})
"""

RECORDINGS = """recordings:
  record: true
  archive: {bucket: live-recordings, access_key_id: AKIAIOSFODNN7EXAMPLE, secret: store}
"""

# Each line of hosts is where an operation must run, in this order.
ORDER = [
    ("Install Debian packages", {"build", "edge", "one", "two"}),
    ("Create the system users", {"build", "edge", "one", "two"}),
    ("Build nginx | Compile nginx when an input changed", {"build", "edge", "one", "two"}),
    ("Install nginx | Switch to the release of nginx", {"edge", "one", "two"}),
    ("Install the hook app", {"edge", "one", "two"}),
    ("Place configuration and units", {"build", "edge", "one", "two"}),
    ("Remove dropped streams", {"edge", "one", "two"}),
    ("Create folders", {"edge", "one", "two"}),
    ("Raise the kernel's limits", {"one"}),
    ("Place the master secret", {"one", "two"}),
    ("Place the destinations' secrets", {"one"}),
    ("Place the archive's secret", {"one"}),
    ("Keep the current and the previous hook app", {"edge", "one", "two"}),
    ("Remove SRT", {"two"}),
    ("Remove the announcer", {"two"}),
    ("Remove the archiver", {"two"}),
    ("Run headend-hooks.service", {"one", "two"}),
    ("Run headend-announce.service", {"one"}),
    ("Run headend-archive.service", {"one"}),
    ("Run nginx@ingest.service", {"one", "two"}),
    ("Run srt-remux.socket", {"one"}),
    ("Run nginx@srt.service", {"one"}),
    ("Run nginx@web.service", {"edge", "one", "two"}),
    ("Run headend-prune.timer", {"one"}),
]


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What pyinfra did, by operation, in order."""
    folder = tmp_path_factory.mktemp("inventory")
    other = folder / "other.yaml"
    spec = (ROOT / "specs" / "demo.yaml").read_text().rstrip()
    recorded = folder / "recorded.yaml"
    recorded.write_text(f"{spec}\n{RECORDINGS}")
    (folder / "keys").mkdir()
    (folder / "keys" / "store").write_text("no secret at all\n")
    # The other site tells nobody, records nothing and takes no SRT callers.
    spec = re.sub(r"\nannouncements:\n(  .*\n)+", "\n", spec)
    other.write_text(f"{spec}\n  - slug: second\n    title: Second\ningest:\n  srt:\n    enabled: false\n")
    inventory = folder / "three.py"
    inventory.write_text(
        INVENTORY.format(other=other, recorded=recorded, secrets=secrets_folder(), keys=folder / "keys")
    )
    program = str(Path(sys.executable).with_name("pyinfra"))
    done = subprocess.run(
        [program, "-y", "--json", str(inventory), "deploy.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {operation["name"]: operation for operation in json.loads(done.stdout)["results"]["operations"]}


def test_installs_before_configures_before_activates(operations: dict[str, dict[str, Any]]) -> None:
    wanted = [name for name, _ in ORDER]
    assert [name for name in operations if name in wanted] == wanted


@pytest.mark.parametrize("name,hosts", ORDER, ids=[name for name, _ in ORDER])
def test_each_host_gets_its_roles(operations: dict[str, dict[str, Any]], name: str, hosts: set[str]) -> None:
    ran = operations[name]["success"] + operations[name]["no_change"]
    assert {host.removeprefix("@fake/") for host in ran} == hosts


def test_only_the_builder_compiles(operations: dict[str, dict[str, Any]]) -> None:
    assert operations["Build nginx | Compile nginx when an input changed"]["success"] == ["@fake/build"]


def test_no_two_operations_share_a_name(operations: dict[str, dict[str, Any]]) -> None:
    assert all(len(operation["names"]) == 1 for operation in operations.values())
