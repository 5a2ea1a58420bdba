"""Is nothing lost? kill -9 of each part in turn, again and again, while viewers watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.origin import Key
from tests.support.hosts import Deployed
from tests.support.processes import child_pids, ffmpeg_pids, kill, main_pid, until
from tests.support.show import TRUE_STATE_SECONDS, Show, open_door, staged

ROUNDS = 10
ENCODER_BACK_SECONDS = 5.0


@pytest.fixture(scope="module")
def show(deployment: Deployed, key: Key, film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """One show for all kills."""
    origin = deployment.origin
    with staged(origin, film, origin.publish_url(key.secret), tmp_path_factory.mktemp("kills")) as show:
        yield show


@pytest.fixture(scope="module", autouse=True)
def door(show: Show) -> Iterator[None]:
    """nginx@web answers every request of these tests."""
    with open_door(show):
        yield


@pytest.fixture(autouse=True)
def whole(show: Show) -> None:
    """Each kill meets a show that is live."""
    until(20, show.is_whole)


def kill_publisher(show: Show) -> None:
    """An encoder's machine loses its power: the show is over, and its encoder goes."""
    show.publisher.kill()
    until(TRUE_STATE_SECONDS, show.is_over)
    show.publisher = show.start()


def kill_ffmpeg(show: Show) -> None:
    """The encoder unit starts anew, and viewers find a discontinuity."""
    old, run_id = main_pid(show.host, "ffmpeg@demo"), show.run_id("720p")
    kill(show.host, old)
    until(ENCODER_BACK_SECONDS, lambda: main_pid(show.host, "ffmpeg@demo") not in (0, old))
    show.joined(run_id)
    assert show.publisher.process.poll() is None


def kill_ingest_worker(show: Show) -> None:
    """The master starts another worker, the publisher comes back, the encoder with it."""
    run_id = show.run_id("720p")
    kill(show.host, child_pids(show.host, main_pid(show.host, "nginx@ingest"))[0])
    show.joined(run_id)


def kill_ingest_master(show: Show) -> None:
    """systemd starts nginx anew, the publisher comes back, the encoder with it."""
    run_id = show.run_id("720p")
    kill(show.host, main_pid(show.host, "nginx@ingest"))
    show.joined(run_id)


def kill_hook_app(show: Show) -> None:
    """The show goes on as if nothing had happened: same encoder, same publisher, no new run."""
    encoder, run_id = main_pid(show.host, "ffmpeg@demo"), show.run_id("720p")
    old = main_pid(show.host, "headend-hooks")
    kill(show.host, old)
    until(TRUE_STATE_SECONDS, lambda: main_pid(show.host, "headend-hooks") not in (0, old) and show.state() == "live")
    assert main_pid(show.host, "ffmpeg@demo") == encoder
    assert show.run_id("720p") == run_id


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
