"""Is every session there once, whatever is killed, and does a good publisher get in while others guess?

HEADEND_CYCLES says how often; CI does a tenth of what the promise is measured with.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from testbed.fault import TestbedError
from testbed.origin import Key, Origin
from tests.support.encoders import Publish
from tests.support.guessers import Guessers
from tests.support.hosts import Deployed
from tests.support.processes import kill, main_pid, until

CYCLES = int(os.environ.get("HEADEND_CYCLES", "10"))
APP = "headend-hooks.service"
BACK_SECONDS = 3.0
GUESSES_PER_SECOND = 200
GUESS_SECONDS = 10.0


@pytest.fixture
def origin(deployment: Deployed) -> Iterator[Origin]:
    deployment.origin.wait_off_air(seconds=20)
    yield deployment.origin
    assert deployment.origin.host.run(["systemctl", "--failed", "--no-legend", "--plain"]).stdout == ""


def sessions(origin: Origin, limit: int = 1000) -> list[dict[str, Any]]:
    """As the host says, newest first."""
    said = origin.host.run(["headend-key", "sessions", origin.slug, "--limit", str(limit), "--json"]).stdout
    found: list[dict[str, Any]] = json.loads(said)
    return found


def answers(origin: Origin) -> bool:
    """Whether the app answers through nginx@web."""
    try:
        return bool(origin.state())
    except TestbedError:
        return False


def kill_app(origin: Origin) -> float:
    """SIGKILL; seconds until it is back, which has a bound. The journal says what kept it if it was not."""
    old = main_pid(origin.host, APP)
    kill(origin.host, old)
    try:
        # By asking it alone: whoever looks into the host for it takes the time that it needs to start.
        seconds = until(BACK_SECONDS, partial(answers, origin), 0.05)
    except AssertionError as error:
        journal = ["journalctl", "--no-pager", "-o", "short-precise", "-n", "60"]
        raise AssertionError(f"{error}\n{origin.host.run(journal).stdout}") from None
    assert main_pid(origin.host, APP) not in (0, old)
    return seconds


def test_a_flapping_encoder_is_one_session(origin: Origin, key: Key, publish: Publish) -> None:
    before = len(sessions(origin))
    for _ in range(CYCLES):
        publisher = publish(key.secret, reconnect=0.2)
        publisher.wait("publishing", seconds=10)
        time.sleep(3)
        publisher.stop()
        time.sleep(2)
    origin.wait_state("ended", seconds=20)
    new = sessions(origin)[: len(sessions(origin)) - before]
    admitted = [session for session in new if session["admitted_at"]]
    assert [session["state"] for session in admitted] == ["ended"]


def test_a_killed_app_loses_no_session_and_doubles_none(origin: Origin, key: Key, publish: Publish) -> None:
    chance, back = random.Random(4), list[float]()
    for _ in range(CYCLES):
        before = sessions(origin, 1)[:1]
        publisher = publish(key.secret, reconnect=0.3)
        time.sleep(chance.uniform(0, 2.5))
        back.append(kill_app(origin))
        origin.wait_state("live", seconds=15)
        publisher.stop()
        origin.wait_state("ended", seconds=20)
        new = [one for one in sessions(origin, 20) if not before or one["id"] > before[0]["id"]]
        assert [one["state"] for one in new if one["live_at"]] == ["ended"], new
        assert all(one["ended_at"] for one in new)
    print(f"back after {statistics.median(back):.2f} s, median of {len(back)}; {max(back):.2f} s at most")


def test_a_live_stream_does_not_notice_that_the_app_was_killed(origin: Origin, key: Key, publish: Publish) -> None:
    publisher = publish(key.secret)
    session = origin.wait_state("live")["session"]["id"]
    for _ in range(3):
        kill_app(origin)
    assert origin.wait_state("live", seconds=10)["session"]["id"] == session
    assert publisher.process.poll() is None


def test_a_good_publisher_gets_in_while_strangers_guess_from_the_same_address(
    origin: Origin, key: Key, publish: Publish
) -> None:
    lines = 'journalctl -u headend-hooks --no-pager -o cat | grep -c \'"event": *"refused"\''
    before = int(origin.host.shell(lines, check=False) or 0)
    # A little more than is asked for: what is counted is what was really sent.
    with Guessers(origin.rtmp_port, f"{origin.slug}?key=wrong", 1.1 * GUESSES_PER_SECOND) as guessers:
        time.sleep(3)
        asked = time.monotonic()
        publisher = publish(key.secret, reconnect=0.3)
        publisher.wait("publishing", seconds=10)
        waited = time.monotonic() - asked
        time.sleep(max(0.0, GUESS_SECONDS - (time.monotonic() - asked)))
        rate = guessers.rate(GUESS_SECONDS)
    logged = int(origin.host.shell(lines, check=False) or 0) - before
    print(f"{rate:.0f} guesses a second; the publisher was in after {waited:.2f} s; {logged} lines")
    assert rate >= GUESSES_PER_SECOND
    assert waited < 3
    assert logged < 40
    publisher.stop()
