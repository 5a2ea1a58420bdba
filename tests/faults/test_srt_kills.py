"""Is nothing lost over SRT? kill -9 of each part in turn, and a caller that stands still, while viewers watch."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.origin import Key
from tests.support.hosts import Deployed
from tests.support.processes import child_pids, kill, main_pid, until
from tests.support.remuxers import remux_pids, remux_units
from tests.support.show import TRUE_STATE_SECONDS, Show, open_door, staged

ROUNDS = 3
BACK_SECONDS = 20.0
"""A caller whose server died in silence finds out after 5 s, calls again within a second, and is live 2 s later."""


@pytest.fixture(scope="module")
def show(deployment: Deployed, key: Key, film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """One show for all kills: the ladder's ffmpeg and the remuxer's."""
    origin = deployment.origin
    with staged(origin, film, origin.srt_url(key), tmp_path_factory.mktemp("kills"), ffmpegs=2) as show:
        yield show


@pytest.fixture(scope="module", autouse=True)
def door(show: Show) -> Iterator[None]:
    """nginx@web answers every request of these tests."""
    with open_door(show):
        yield


@pytest.fixture(autouse=True)
def whole(show: Show) -> None:
    """Each kill meets a show that is live."""
    until(BACK_SECONDS, show.is_whole)


def nothing_left(show: Show) -> bool:
    """Whether the show is over, and no remuxer of it is left."""
    return show.is_over() and not remux_pids(show.host) and not remux_units(show.host)


def truth_after(show: Show, happens: Callable[[], None]) -> None:
    """The API stops calling the stream live in time, and the encoder that is still there comes back by itself."""
    session, run_id = show.session(), show.run_id("720p")
    happens()
    until(TRUE_STATE_SECONDS, lambda: show.state() in ("interrupted", "ended") or show.session() not in (0, session))
    show.joined(run_id, BACK_SECONDS)
    assert show.publisher.process.poll() is None


def remuxer(show: Show) -> tuple[int, int]:
    """The one remuxer: its own process and its ffmpeg's."""
    (unit,) = remux_units(show.host)
    pid = main_pid(show.host, unit)
    (ffmpeg,) = child_pids(show.host, pid)
    return pid, ffmpeg


def kill_caller(show: Show) -> None:
    """A caller's machine loses its power: the show is over, and its remuxer goes."""
    show.publisher.kill()
    until(TRUE_STATE_SECONDS, lambda: nothing_left(show))
    show.publisher = show.start()


def stop_caller(show: Show) -> None:
    """A caller that says nothing more is as good as gone; it comes back once it goes on."""
    run_id = show.run_id("720p")
    os.kill(show.publisher.pid, signal.SIGSTOP)
    try:
        until(TRUE_STATE_SECONDS, lambda: nothing_left(show))
    finally:
        os.kill(show.publisher.pid, signal.SIGCONT)
    show.joined(run_id, BACK_SECONDS)


def kill_srt_worker(show: Show) -> None:
    """The master starts another worker."""
    worker = child_pids(show.host, main_pid(show.host, "nginx@srt"))[0]
    truth_after(show, lambda: kill(show.host, worker))


def kill_srt_master(show: Show) -> None:
    """systemd starts nginx anew."""
    master = main_pid(show.host, "nginx@srt")
    truth_after(show, lambda: kill(show.host, master))


def kill_remuxer(show: Show) -> None:
    """The caller is hung up on, and calls again."""
    truth_after(show, lambda: kill(show.host, remuxer(show)[0]))


def kill_remuxers_ffmpeg(show: Show) -> None:
    """The remuxer ends with its ffmpeg."""
    truth_after(show, lambda: kill(show.host, remuxer(show)[1]))


VICTIMS = [kill_caller, stop_caller, kill_srt_worker, kill_srt_master, kill_remuxer, kill_remuxers_ffmpeg]


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize("victim", VICTIMS, ids=lambda victim: victim.__name__)
def test_kill(show: Show, victim: Callable[[Show], None], turn: int) -> None:
    victim(show)
    # The truth is told in time whatever was killed, and there is never more than the one remuxer.
    until(BACK_SECONDS, show.is_whole)
    until(TRUE_STATE_SECONDS, lambda: len(remux_units(show.host)) == 1)


def test_no_unit_has_given_up(show: Show) -> None:
    assert show.host.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout == ""


def test_nothing_is_left_at_the_end(show: Show) -> None:
    show.publisher.stop()
    until(TRUE_STATE_SECONDS, lambda: nothing_left(show))
    assert show.origin.state()["session"]["ended_at"]
