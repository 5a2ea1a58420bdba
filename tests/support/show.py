"""A show: a stream on air that something happens to, its encoder, and a viewer who sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import m3u8

from testbed.host import Host
from testbed.origin import Origin
from testbed.publisher import Publisher
from testbed.viewer import Viewer
from tests.support.processes import ffmpeg_pids, until
from tests.support.watching import Door, Watching

TRUE_STATE_SECONDS = 10.0
# An encoder that stays on its post, as OBS does.
RECONNECT_SECONDS = 1.0


@dataclass(slots=True)
class Show:
    """A stream on air, its encoder and its viewer."""

    origin: Origin
    viewer: Viewer
    start: Callable[[], Publisher]
    publisher: Publisher
    ffmpegs: int = 1
    """How many there are on the host while the show is whole."""

    @property
    def host(self) -> Host:
        """The host it is on."""
        return self.origin.host

    def run_id(self, rendition: str) -> str:
        """The run of the encoder that wrote the newest segment."""
        segments = self.viewer.segments(self.viewer.renditions()[rendition])
        return segments[-1].rpartition("/")[2].partition("-")[0] if segments else ""

    def is_in_another_run(self, rendition: str, before: str) -> bool:
        """Whether the encoder has begun anew and has written a segment since."""
        return self.run_id(rendition) not in ("", before)

    def is_whole(self) -> bool:
        """Live, and not one encoder too many."""
        return self.state() == "live" and len(ffmpeg_pids(self.host)) == self.ffmpegs

    def is_over(self) -> bool:
        """Ended, and no encoder left."""
        return self.state() == "ended" and not ffmpeg_pids(self.host)

    def state(self) -> str:
        """What the API says; empty while it says nothing."""
        try:
            return str(self.origin.state()["state"])
        except Exception:
            return ""

    def session(self) -> int:
        """The id of the newest session; 0 while the API says nothing."""
        try:
            return int(self.origin.state()["session"]["id"])
        except Exception:
            return 0

    def joined(self, before: str, seconds: float = TRUE_STATE_SECONDS) -> None:
        """Every rendition goes on in a new run of the encoder, after a discontinuity."""
        for name, url in self.viewer.renditions().items():
            until(seconds, partial(self.is_in_another_run, name, before))
            run_id = self.run_id(name)
            segments = m3u8.loads(self.viewer.text(url) or "").segments
            first = next(one for one in segments if one.uri.startswith(run_id))
            assert first.discontinuity, name


@contextmanager
def staged(origin: Origin, film: Path, url: str, folder: Path, ffmpegs: int = 1) -> Iterator[Show]:
    """A show published to `url`; afterwards it is over."""
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")

    def start() -> Publisher:
        return Publisher.start(film, url, folder / "log.jsonl", RECONNECT_SECONDS)

    origin.wait_off_air()
    show = Show(origin, viewer, start, start(), ffmpegs)
    try:
        yield show
    finally:
        show.publisher.stop()
        viewer.http.close()
    origin.wait_state("ended")


@contextmanager
def open_door(show: Show) -> Iterator[None]:
    """nginx@web answers every request meanwhile, whatever is killed."""
    show.viewer.wait_playable({})
    door = Door([f"{show.origin.http}/healthz", show.viewer.master_url, *show.viewer.renditions().values()])
    with Watching(door.look, 0.1):
        yield
    door.close()
    assert door.refused == []
