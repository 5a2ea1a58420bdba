"""deploy.py itself, by pyinfra's command line, on hosts that answer every command with silent success.

Hosts with different roles and different specs: pyinfra tells operations apart by their place in the code, so here is
where one host could get in another one's way.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.places import ROOT

INVENTORY = """
builder = ["@fake/build"]
ingest = ["@fake/one", "@fake/two"]
control = ["@fake/one", "@fake/two"]
web = ["@fake/one", ("@fake/edge", {{"media_root_shared": True}}), "@fake/two"]
hosts = (["@fake/build", "@fake/one", "@fake/edge", "@fake/two"], {{"fake_delay": 0, "fake_delay_jitter": 0}})
some = (["@fake/build", "@fake/one", "@fake/edge"], {{"spec": "specs/demo.yaml"}})
others = (["@fake/two"], {{"spec": "{other}"}})
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
    ("Keep the current and the previous hook app", {"edge", "one", "two"}),
    ("Run headend-hooks.service", {"one", "two"}),
    ("Run nginx@ingest.service", {"one", "two"}),
    ("Run nginx@web.service", {"edge", "one", "two"}),
]


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What pyinfra did, by operation, in order."""
    folder = tmp_path_factory.mktemp("inventory")
    other = folder / "other.yaml"
    other.write_text((ROOT / "specs" / "demo.yaml").read_text().rstrip() + "\n  - slug: second\n    title: Second\n")
    inventory = folder / "three.py"
    inventory.write_text(INVENTORY.format(other=other))
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
