"""Is nothing lost? kill -9 of each part in turn, again and again, while viewers watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import m3u8
import pytest

from testbed.host import Host
from testbed.origin import Key, Origin
from testbed.publisher import Publisher
from testbed.viewer import Viewer
from tests.support.hosts import Deployed
from tests.support.processes import child_pids, ffmpeg_pids, kill, main_pid, until
from tests.support.watching import Door, Watching

ROUNDS = 10
TRUE_STATE_SECONDS = 10.0
ENCODER_BACK_SECONDS = 5.0
# An encoder that stays on its post, as OBS does.
RECONNECT_SECONDS = 1.0


@dataclass(slots=True)
class Show:
    """A stream on air, its encoder and its viewer."""

    origin: Origin
    viewer: Viewer
    start: Callable[[], Publisher]
    publisher: Publisher

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
        """Live, and one encoder."""
        return self.state() == "live" and len(ffmpeg_pids(self.host)) == 1

    def state(self) -> str:
        """What the API says; empty while it says nothing."""
        try:
            return str(self.origin.state()["state"])
        except Exception:
            return ""


@pytest.fixture(scope="module")
def show(deployment: Deployed, key: Key, film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """One show for all kills."""
    origin = deployment.origin
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    folder = tmp_path_factory.mktemp("kills")

    def start() -> Publisher:
        return Publisher.start(film, origin.publish_url(key.secret), folder / "log.jsonl", RECONNECT_SECONDS)

    origin.wait_state("offline", "ended")
    show = Show(origin, viewer, start, start())
    yield show
    show.publisher.stop()
    viewer.http.close()
    origin.wait_state("ended")


@pytest.fixture(scope="module", autouse=True)
def door(show: Show) -> Iterator[Door]:
    """nginx@web answers every request of these tests, whatever is killed."""
    show.viewer.wait_playable({})
    urls = [f"{show.origin.http}/healthz", show.viewer.master_url, *show.viewer.renditions().values()]
    door = Door(urls)
    with Watching(door.look, 0.1):
        yield door
    door.close()
    assert door.refused == []


@pytest.fixture(autouse=True)
def whole(show: Show) -> None:
    """Each kill meets a show that is live."""
    until(20, show.is_whole)


def kill_publisher(show: Show) -> None:
    """An encoder's machine loses its power: the show is over, and its encoder goes."""
    show.publisher.kill()
    until(TRUE_STATE_SECONDS, lambda: show.state() == "ended" and not ffmpeg_pids(show.host))
    show.publisher = show.start()


def kill_ffmpeg(show: Show) -> None:
    """The encoder unit starts anew, and viewers find a discontinuity."""
    old, run_id = main_pid(show.host, "ffmpeg@demo"), show.run_id("720p")
    kill(show.host, old)
    until(ENCODER_BACK_SECONDS, lambda: main_pid(show.host, "ffmpeg@demo") not in (0, old))
    joined(show, run_id)
    assert show.publisher.process.poll() is None


def kill_ingest_worker(show: Show) -> None:
    """The master starts another worker, the publisher comes back, the encoder with it."""
    run_id = show.run_id("720p")
    kill(show.host, child_pids(show.host, main_pid(show.host, "nginx@ingest"))[0])
    joined(show, run_id)


def kill_ingest_master(show: Show) -> None:
    """systemd starts nginx anew, the publisher comes back, the encoder with it."""
    run_id = show.run_id("720p")
    kill(show.host, main_pid(show.host, "nginx@ingest"))
    joined(show, run_id)


def kill_hook_app(show: Show) -> None:
    """The show goes on as if nothing had happened: same encoder, same publisher, no new run."""
    encoder, run_id = main_pid(show.host, "ffmpeg@demo"), show.run_id("720p")
    old = main_pid(show.host, "headend-hooks")
    kill(show.host, old)
    until(TRUE_STATE_SECONDS, lambda: main_pid(show.host, "headend-hooks") not in (0, old) and show.state() == "live")
    assert main_pid(show.host, "ffmpeg@demo") == encoder
    assert show.run_id("720p") == run_id


def joined(show: Show, before: str) -> None:
    """Every rendition goes on in a new run of the encoder, after a discontinuity."""
    for name, url in show.viewer.renditions().items():
        until(TRUE_STATE_SECONDS, partial(show.is_in_another_run, name, before))
        run_id = show.run_id(name)
        segments = m3u8.loads(show.viewer.text(url) or "").segments
        first = next(one for one in segments if one.uri.startswith(run_id))
        assert first.discontinuity, name


VICTIMS = [kill_publisher, kill_ffmpeg, kill_ingest_worker, kill_ingest_master, kill_hook_app]


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize("victim", VICTIMS, ids=lambda victim: victim.__name__)
def test_kill(show: Show, victim: Callable[[Show], None], turn: int) -> None:
    victim(show)
    # The truth is told in time whatever was killed, and there is never more than the one encoder.
    until(TRUE_STATE_SECONDS, show.is_whole)


def test_no_unit_has_given_up(show: Show) -> None:
    assert show.host.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout == ""


def test_no_session_is_left_open(show: Show) -> None:
    assert show.origin.state()["session"]["ended_at"] is None
    show.publisher.stop()
    state = show.origin.wait_state("ended", seconds=TRUE_STATE_SECONDS)
    assert state["session"]["ended_at"]
    until(TRUE_STATE_SECONDS, lambda: not ffmpeg_pids(show.host))
