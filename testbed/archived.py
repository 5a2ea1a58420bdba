"""What became of the demo's recording: on the host, and in the store."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from testbed import object_store
from testbed.fault import TestbedError
from testbed.host import Host

ARCHIVED_SECONDS = 120.0
ROOT = "/srv/headend/recordings"
"""As group_data/all.py has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A recording that is in the store, verified from outside."""

    bucket: str
    key: str
    bytes: int
    sha256: str
    seconds_after_end: float
    local_deleted: bool


def recordings(host: Host) -> list[dict[str, Any]]:
    """As the host's catalogue has them, newest first."""
    listed: list[dict[str, Any]] = json.loads(host.run(["headend-archive", "list", "--json"]).stdout)
    return listed


def wait_archived(host: Host, after: int, ended_at: float) -> Archived:
    """The recording that is newer than number `after`, once it is archived, read back, and pruned on the host.

    `ended_at` is on the monotonic clock. Raises TestbedError.
    """
    end = time.monotonic() + ARCHIVED_SECONDS
    while not (mine := [one for one in recordings(host) if one["id"] > after and one["state"] == "archived"]):
        if time.monotonic() > end:
            raise TestbedError(f"demo: not archived after {ARCHIVED_SECONDS:.0f} s: {recordings(host)[:1]}")
        time.sleep(0.2)
    seconds = round(time.monotonic() - ended_at, 3)
    host.run(["systemctl", "start", "headend-prune.service"])
    [video] = [file for file in mine[0]["files"] if file["kind"] == "video"]
    if object_store.sha256_of(video["object_key"]) != video["sha256"]:
        raise TestbedError(f"demo: {video['object_key']} in the store is not what was recorded")
    path = f"{ROOT}/kept/{mine[0]['id']}/{video['name']}"
    left = host.run(["test", "-e", path], check=False).returncode == 0
    return Archived(
        bucket=object_store.BUCKET,
        key=video["object_key"],
        bytes=video["bytes"],
        sha256=video["sha256"],
        seconds_after_end=seconds,
        local_deleted=not left,
    )
