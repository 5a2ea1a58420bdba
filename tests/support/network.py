"""Two network namespaces of our own with a bad line between them: netem on a veth pair, or a Link where netem is not.

Root only. What a killed run has left behind is taken away by the next one.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.link import Link

# They live in namespaces that nothing else is in: any will do.
NEAR_ADDRESS, FAR_ADDRESS = "10.77.0.1", "10.77.0.2"

_PREFIX = "headend-line"
_NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


@dataclass(frozen=True)
class Line:
    """The caller's side is near, the server's is far."""

    near: str
    far: str
    link: Link | None
    """None: the kernel's netem does it."""

    @property
    def made_by(self) -> str:
        """For the report of a run."""
        return "netem" if self.link is None else "a Link over TUN"


@contextmanager
def bad_line(*, loss: float, rtt_ms: int, seed: int = 1) -> Iterator[Line]:
    """A line that loses this share of the packets in each direction, at random."""
    _sweep()
    number = f"{os.getpid()}-{next(_numbers)}"
    near, far = f"{_PREFIX}-{number}-near", f"{_PREFIX}-{number}-far"
    # A name of an interface has at most 15 characters.
    interfaces = (f"hl{number}n", f"hl{number}f")
    with ExitStack() as stack:
        for name in (near, far):
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)
            _ip("-netns", name, "link", "set", "lo", "up")
        link = None
        if not _netem(near, far, interfaces, loss, rtt_ms):
            link = stack.enter_context(Link(interfaces, loss=loss, delay=rtt_ms / 2000, seed=seed))
            for name, interface in zip((near, far), interfaces, strict=True):
                _ip("link", "set", interface, "netns", name)
        for name, interface, address in (
            (near, interfaces[0], NEAR_ADDRESS),
            (far, interfaces[1], FAR_ADDRESS),
        ):
            _ip("-netns", name, "address", "add", f"{address}/24", "dev", interface)
            _ip("-netns", name, "link", "set", interface, "up")
        yield Line(near, far, link)


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread in a namespace: sockets and processes that it makes belong there, and stay."""
    with open("/proc/thread-self/ns/net") as home, (_NAMESPACES / namespace).open() as away:
        _set_namespace(away.fileno())
        try:
            yield
        finally:
            _set_namespace(home.fileno())


def _netem(near: str, far: str, interfaces: tuple[str, str], loss: float, rtt_ms: int) -> bool:
    """Whether this kernel has netem; if so, the two are joined by it."""
    for name, interface in zip((near, far), interfaces, strict=True):
        if interface == interfaces[0]:
            _ip("link", "add", interface, "netns", near, "type", "veth", "peer", "name", interfaces[1], "netns", far)
        how = ["netem", "limit", "10000", "delay", f"{rtt_ms / 2:g}ms", "loss", "random", f"{loss * 100:g}%"]
        done = subprocess.run(
            ["tc", "-netns", name, "qdisc", "add", "dev", interface, "root", *how],
            capture_output=True,
            text=True,
            check=False,
        )
        if "qdisc kind is unknown" in done.stderr:
            _ip("-netns", near, "link", "delete", interfaces[0])
            return False
        if done.returncode:
            raise RuntimeError(f"tc: {done.stderr.strip()}")
    return True


def _sweep() -> None:
    """Delete namespaces of processes that are no more."""
    for path in _NAMESPACES.glob(f"{_PREFIX}-*"):
        owner = re.match(rf"{_PREFIX}-(\d+)-", path.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            _ip("netns", "delete", path.name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")
