"""A stream on air for everything in a module that only looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.origin import Key, Origin
from testbed.publisher import Publisher
from testbed.viewer import Viewer
from tests.support.hosts import Deployed
from tests.support.watching import States, Watching

# As OBS does, the encoder calls again when a loaded machine was too slow to let it in.
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class OnAir:
    """A live stream, and how it came on air. Moments are CLOCK_MONOTONIC."""

    origin: Origin
    viewer: Viewer
    publisher: Publisher
    states: States
    connecting: float
    playable: float
    session: dict[str, Any]
    before: dict[str, set[str]]
    """Segments by rendition that were listed before this session."""


@pytest.fixture(scope="module")
def on_air(deployment: Deployed, key: Key, film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnAir]:
    """The film on air, watched from before the encoder connects until it is live."""
    origin = deployment.origin
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    states = States(origin)
    origin.wait_off_air()
    with Watching(states.look, 0.05):
        seen = viewer.listed()
        log = tmp_path_factory.mktemp("air") / "log.jsonl"
        publisher = Publisher.start(film, origin.publish_url(key.secret), log, RECONNECT_SECONDS)
        try:
            connecting = publisher.wait("connecting")["at"]
            playable = viewer.wait_playable(seen)
            session = origin.wait_state("live")["session"]
            states.look()
        except BaseException:
            publisher.stop()
            raise
    yield OnAir(origin, viewer, publisher, states, connecting, playable, session, seen)
    publisher.stop()
    viewer.http.close()
    origin.wait_state("ended")
