"""A deploy as the operator types it, with its result as numbers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from testbed.fault import TestbedError
from testbed.host import Host
from testbed.places import ROOT

INVENTORY = "inventory/testbed.py"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one deploy did."""

    seconds: float
    changed: tuple[str, ...]
    """Names of the operations that changed a host."""
    log: str
    """Everything that pyinfra printed, results included."""


def deploy(hosts: Sequence[Host], progress: Progress, extra: Sequence[str] = ()) -> Outcome:
    """Deploy the demo's spec to these hosts; raises TestbedError with pyinfra's own last words when one fails."""
    limits = [flag for host in hosts for flag in ("--limit", f"@podman/{host.container}")]
    argv = [str(Path(sys.executable).with_name("pyinfra")), "-y", "--json", *limits, *extra, INVENTORY, "deploy.py"]
    began = time.monotonic()
    # The result comes in one piece that may be longer than a pipe: it goes to a file, progress through the pipe.
    with (
        TemporaryFile("w+") as output,
        subprocess.Popen(
            argv,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        said = follow(process.stderr or (), progress)
        process.wait()
        output.seek(0)
        result = output.read()
    seconds = time.monotonic() - began
    if process.returncode != 0:
        raise TestbedError("testbed deploy: pyinfra failed:\n" + "\n".join(said[-15:]))
    return Outcome(seconds, changed(json.loads(result)), "\n".join([*said, result]))


def follow(stream: Iterable[str], progress: Progress) -> list[str]:
    """Pass pyinfra's lines on as they come; all of them at its end, without colours."""
    said = []
    for raw in stream:
        line = ANSI.sub("", raw).rstrip()
        if line:
            said.append(line)
            progress(line.strip())
    return said


def changed(result: dict[str, Any]) -> tuple[str, ...]:
    """Names of the operations that changed at least one host."""
    return tuple(operation["name"] for operation in result["results"]["operations"] if operation["success"])
