"""The deployed host of the end-to-end and fault tests: made for a session, or one that a developer keeps up.

`python -m testbed up test --publish 11935:1935/tcp --publish 18080:8080/tcp --publish 19000:9000/udp` keeps one up
between sessions.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import receiver
from testbed.deploy import Outcome, deploy
from testbed.host import Host
from testbed.image import DEFAULT_RELEASE
from testbed.origin import Origin
from testbed.places import ROOT, cache_dir

# Not the demo's ports: the demo may be on air meanwhile.
TEST = Origin(Host("test"), "demo", rtmp_port=11935, http_port=18080, srt_port=19000)

DEMO_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Deployed:
    """An origin, and what its two deploys did."""

    origin: Origin
    was_bare: bool
    """Whether the first deploy met a bare host."""
    first: Outcome
    second: Outcome


def spec_for_tests() -> Path:
    """The demo's spec with the address at which the tests reach the host."""
    text = (ROOT / "specs" / "demo.yaml").read_text()
    spec = cache_dir() / "test.yaml"
    spec.write_text(text.replace(f"public_url: {DEMO_URL}", f"public_url: {TEST.http}"))
    return spec


def say(line: str) -> None:
    """Progress of a long fixture, past pytest's capturing."""
    print(f"    {line}", file=sys.__stderr__, flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """Two sessions on one host would publish into each other's stream: the second waits here."""
    with (cache_dir() / "test.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another test session has the host: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def deployed() -> Iterator[Deployed]:
    """A host with the demo's spec on it, deployed twice, for one session at a time."""
    with alone(), one_deployed() as host:
        yield host


@contextmanager
def one_deployed() -> Iterator[Deployed]:
    """The host, taken down afterwards unless it was up before; in CI, a host that somebody left behind is not used."""
    if "CI" in os.environ:
        TEST.host.down()
    was_bare = not TEST.host.running()
    data = ["--data", f"spec={spec_for_tests()}"]
    try:
        if was_bare:
            TEST.host.up(DEFAULT_RELEASE, TEST.ports)
        first = deploy([TEST.host], say, data)
        second = deploy([TEST.host], say, data)
        # Else every show of every test would be tried at them for minutes, and later ones wait for their turn.
        receiver.start(TEST.host)
        yield Deployed(TEST, was_bare, first, second)
    finally:
        if was_bare:
            TEST.host.down()
