"""Does the keeper keep its processes, whatever becomes of them, and end them in order?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
from functools import partial
from pathlib import Path
from hooks_app.announcer.crew import Crew
folder = Path(sys.argv[1])
def work(kind, post):
    with (folder / "log").open("a") as log:
        log.write(f"born {post.number} after {post.before}\\n")
    while not post.is_over:
        post.beat()
        if kind == "crash" and not (folder / "crashed").exists():
            (folder / "crashed").touch()
            raise RuntimeError("no")
        if kind == "stuck" and not (folder / "stuck").exists():
            (folder / "stuck").touch()
            time.sleep(60)
        post.wait(0.05)
    time.sleep(float(sys.argv[3]))
    with (folder / "log").open("a") as log:
        log.write(f"ended {post.number}\\n")
def turn(ready):
    if ready:
        (folder / "ready").touch()
Crew([partial(work, kind) for kind in sys.argv[2].split(",")], patience_seconds=0.5, stop_seconds=1.0).run(turn, 0.02)
"""


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a keeper of such processes, and waits until all have turned."""
    started: list[subprocess.Popen[bytes]] = []

    def start(kinds: str, last_seconds: float = 0.0) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", SCRIPT, str(tmp_path), kinds, str(last_seconds)]
        started.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=Path.cwd()))
        wait(lambda: (tmp_path / "ready").exists())
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait(true: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def log(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines()


def test_whoever_is_killed_is_there_again_and_knows_who_was_before(
    crew: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = crew("work,work")
    victim = children(process)[0]
    os.kill(victim, signal.SIGKILL)
    wait(lambda: any(line.endswith(f"after {victim}") for line in log(tmp_path)))
    assert len(children(process)) == 2


@pytest.mark.parametrize("kind", ["crash", "stuck"])
def test_whoever_crashes_or_is_stuck_is_replaced(
    crew: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, kind: str
) -> None:
    process = crew(f"work,{kind}")
    wait(lambda: sum(line.startswith("born 1") for line in log(tmp_path)) == 2)
    assert process.poll() is None


def test_at_the_end_everybody_finishes_what_they_do(
    crew: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = crew("work,work", 0.3)
    process.terminate()
    assert process.wait(10) == 0
    assert sorted(line for line in log(tmp_path) if line.startswith("ended")) == ["ended 0", "ended 1"]


def test_at_the_end_nobody_is_waited_for_without_end(crew: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = crew("work", 30)
    (child,) = children(process)
    process.terminate()
    assert process.wait(10) == 0
    wait(lambda: not Path(f"/proc/{child}").exists())


def test_without_the_keeper_nobody_goes_on(crew: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    process = crew("work,work")
    process.kill()
    process.wait()
    wait(lambda: sum(line.startswith("ended") for line in log(tmp_path)) == 2)
