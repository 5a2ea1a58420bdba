"""Processes and units of a deployed host, seen and killed from outside."""

from __future__ import annotations

import time
from collections.abc import Callable

from testbed.host import Host


def main_pid(host: Host, unit: str) -> int:
    """The unit's main process; 0 if it has none."""
    return int(host.run(["systemctl", "show", "--property=MainPID", "--value", unit]).stdout or 0)


def child_pids(host: Host, parent: int) -> list[int]:
    """Children of a process."""
    return [int(pid) for pid in host.run(["pgrep", "-P", str(parent)], check=False).stdout.split()]


def ffmpeg_pids(host: Host) -> list[int]:
    """Every ffmpeg of the host, whoever started it."""
    return [int(pid) for pid in host.run(["pgrep", "-x", "ffmpeg"], check=False).stdout.split()]


def kill(host: Host, pid: int) -> None:
    """SIGKILL."""
    host.run(["kill", "-KILL", str(pid)])


def until(seconds: float, true: Callable[[], bool], pause: float = 0.1) -> float:
    """Seconds until `true` was; raises AssertionError if it was not within `seconds`."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {true}")
        time.sleep(pause)
    return time.monotonic() - began
