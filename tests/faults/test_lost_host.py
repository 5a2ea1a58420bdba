"""A host of the laboratory that was killed from outside, together with podman's monitor of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from testbed.host import Host, running_hosts
from testbed.podman import podman
from tests.support.processes import until

LOST = Host("lost")


@pytest.fixture
def lost() -> Iterator[Host]:
    """A host that podman believes to be running, though none of its processes is left."""
    LOST.down()
    LOST.up()
    try:
        form = "{{.State.ConmonPid}} {{.State.Pid}}"
        monitor, init = map(int, podman(["inspect", "--format", form, LOST.container]).stdout.split())
        for pid in (monitor, init):
            os.kill(pid, signal.SIGKILL)
        until(10, lambda: not alive(init))
        yield LOST
    finally:
        LOST.down()


def alive(pid: int) -> bool:
    """A process that can be signalled."""
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_killed_host_is_not_running_and_is_replaced(lost: Host) -> None:
    believed = podman(["inspect", "--format", "{{.State.Status}}", lost.container]).stdout.strip()
    assert believed == "running"
    assert not lost.running()
    assert lost not in running_hosts()
    lost.up()
    assert lost.running()
    assert lost in running_hosts()
