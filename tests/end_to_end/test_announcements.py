"""Does everyone hear of a real show, once, signed, and of its end, whatever is killed meanwhile?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from testbed import receiver
from testbed.origin import Key, Origin
from testbed.receiver import DISCORD, SITE, Received
from tests.support.canary import LOOK, files_with, found
from tests.support.encoders import Publish
from tests.support.hosts import Deployed
from tests.support.processes import kill, main_pid, until

UNIT = "headend-announce.service"
Got = Callable[[], list[Received]]


@pytest.fixture
def origin(deployment: Deployed) -> Origin:
    """Off air, and everybody has heard of the show before."""
    deployment.origin.wait_off_air(seconds=20)
    # What has just ended is in the queue a moment later.
    time.sleep(1)
    until(60, lambda: waiting(deployment.origin) == 0)
    return deployment.origin


def waiting(origin: Origin) -> float:
    """Messages that are not finished."""
    said = origin.host.run(["curl", "--silent", "--fail", "http://127.0.0.1:8090/metrics"]).stdout
    found = [line for line in said.splitlines() if line.startswith("headend_announcements_waiting{")]
    return sum(float(line.rpartition(" ")[2]) for line in found)


@pytest.fixture
def got(origin: Origin) -> Got:
    """What has arrived since the test began; recaps of earlier shows may come in between."""
    began = time.monotonic()
    return lambda: [one for one in receiver.received(origin.host, since=began) if one.occasion in ("live", "ended")]


def told(got: list[Received]) -> list[tuple[str, str]]:
    return sorted((one.destination, one.occasion) for one in got)


def test_a_show_is_told_at_both_places_and_so_is_its_end(origin: Origin, key: Key, publish: Publish, got: Got) -> None:
    publisher = publish(key.secret)
    origin.wait_state("live")
    until(5, lambda: len(got()) == 2)
    assert told(got()) == [(DISCORD, "live"), (SITE, "live")]
    assert all(one.genuine for one in got())
    publisher.stop()
    origin.wait_state("ended")
    until(5, lambda: len(got()) == 4)
    # The post of Discord's shape is changed, the site hears of the end.
    assert told(got()) == [(DISCORD, "ended"), (DISCORD, "live"), (SITE, "ended"), (SITE, "live")]
    assert all(one.genuine for one in got())


def test_a_killed_announcer_tells_what_came_meanwhile_once(
    origin: Origin, key: Key, publish: Publish, got: Got
) -> None:
    kill(origin.host, main_pid(origin.host, UNIT))
    publish(key.secret)
    origin.wait_state("live")
    until(10, lambda: len(got()) >= 2)
    time.sleep(2)
    assert told(got()) == [(DISCORD, "live"), (SITE, "live")]


def test_a_restarted_app_and_announcer_tell_nothing_again(origin: Origin, key: Key, publish: Publish, got: Got) -> None:
    publish(key.secret)
    origin.wait_state("live")
    until(5, lambda: len(got()) == 2)
    origin.host.run(["systemctl", "restart", "headend-hooks.service", UNIT])
    until(10, lambda: main_pid(origin.host, UNIT) != 0)
    origin.wait_state("live", seconds=10)
    time.sleep(3)
    assert told(got()) == [(DISCORD, "live"), (SITE, "live")]


def test_the_host_s_command_shows_what_was_told(origin: Origin, key: Key, publish: Publish, got: Got) -> None:
    publish(key.secret)
    origin.wait_state("live")
    until(5, lambda: len(got()) == 2)
    made = json.loads(origin.host.run(["headend", "token", "add", "--role", "admin", "--json"]).stdout)
    try:
        origin.host.run(["headend-ctl", "login"], stdin=made["token"] + "\n")
        said = origin.host.run(["headend-ctl", "announce", "history", "--limit", "2", "--json"]).stdout
        rows = json.loads(said)
        assert [(row["state"], row["occasion"]) for row in rows] == [("sent", "live"), ("sent", "live")]
        assert "mode live" in origin.host.run(["headend-ctl", "announce", "status"]).stdout
        journal = origin.host.shell(f"journalctl -u {UNIT} --no-pager -o cat")
        for name in (DISCORD, SITE):
            assert (receiver.secrets_folder() / name).read_text().strip() not in journal + said
    finally:
        origin.host.run(["headend", "token", "revoke", made["token_id"]])


def test_the_secrets_are_nowhere_but_with_the_announcer(origin: Origin, key: Key, publish: Publish, got: Got) -> None:
    publish(key.secret)
    origin.wait_state("live")
    until(5, lambda: len(got()) == 2)
    words = [(receiver.secrets_folder() / name).read_text().strip() for name in (DISCORD, SITE)]
    # Of the address, what lets in is the last part.
    words[0] = words[0].rpartition("/")[2]
    assert found(origin.host, words) == dict.fromkeys(LOOK, "0")
    credentials = {
        f"{folder}/announce-{name}"
        for folder in ("/etc/headend/credentials", f"/run/credentials/{UNIT}")
        for name in (DISCORD, SITE)
    }
    receivers = {"/run/receiver.keys", "/run/credentials/receiver.service/keys"}
    assert files_with(origin.host, words) == credentials | receivers
