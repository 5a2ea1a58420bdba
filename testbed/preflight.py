"""What must hold before the demo starts, each told in one line when it does not."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from testbed.fault import TestbedError
from testbed.places import cache_dir
from testbed.podman import podman

NEEDED_GIB = 4
"""An image, a host with a built nginx and its packages, the clip and the wheels, with room to spare."""


def check_root() -> None:
    """Privileged containers need root."""
    if os.geteuid() != 0:
        raise TestbedError("demo: not root. Run ./run demo, which asks sudo")


def check_space() -> None:
    """Room where podman and the cache keep things."""
    store = Path(podman(["info", "--format", "{{.Store.GraphRoot}}"]).stdout.strip())
    for place in (store, cache_dir()):
        free = shutil.disk_usage(place).free / 2**30
        if free < NEEDED_GIB:
            raise TestbedError(f"demo {place}: {free:.1f} GiB free, {NEEDED_GIB} needed. Free some space")


def check_port(port: int, purpose: str, protocol: socket.SocketKind = socket.SOCK_STREAM) -> None:
    """Nobody may listen on 127.0.0.1:port."""
    with socket.socket(type=protocol) as probe:
        if protocol == socket.SOCK_STREAM:
            # A connection that has just ended does not hold the port; over UDP the same option would share it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            look = "ss -ltnp" if protocol == socket.SOCK_STREAM else "ss -lunp"
            raise TestbedError(
                f"demo 127.0.0.1:{port}: in use, and {purpose} needs it. Stop what listens there ({look})"
            ) from None
