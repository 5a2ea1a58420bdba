"""Does the machine behave? By role, against any deployed host; nothing here changes one, so ask production too:

    pytest tests/hosts --hosts=podman://headend-demo                              a testbed host has every role
    pytest tests/hosts/test_every_host.py tests/hosts/test_web.py --hosts=ssh://root@edge.example.org

Without --hosts there is nothing to ask, and nothing is collected.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if config.getoption("hosts") or config.getoption("connection") else True


@pytest.fixture(scope="module")
def facts(host: Host) -> dict[str, Any]:
    """What the hook app of this host knows: streams, addresses, folders."""
    loaded: dict[str, Any] = json.loads(host.file("/etc/headend/hooks_app.json").content_string)
    return loaded


@pytest.fixture(scope="module")
def slugs(host: Host) -> list[str]:
    """The streams that this host was deployed for."""
    names: list[str] = host.check_output("ls -1 /etc/headend/streams").split()
    return names
