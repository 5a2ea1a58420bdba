"""Is nobody in? Whoever may not publish leaves no file, no row, no unit and no encoder, and hurts nobody who may."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from testbed.fault import TestbedError
from testbed.origin import Key
from tests.support import rtmp
from tests.support.encoders import Publish
from tests.support.hosts import Deployed
from tests.support.processes import child_pids, main_pid
from tests.support.rtmp import RtmpClient, command
from tests.support.traces import Traces, traces

WRONG = secrets.token_urlsafe(32)

# {key} is the stream's valid key, {wrong} a key that nobody made.
NAMES = {
    "wrong_key": "demo?key={wrong}",
    "no_key": "demo",
    "empty_key": "demo?key=",
    "key_of_nobody": "nobody?key={key}",
    "key_in_capitals": "demo?KEY={key}",
    "two_keys": "demo?key={wrong}&key={key}",
    "two_keys_the_other_way": "demo?key={key}&key={wrong}",
    "pollution_name": "evil?name=demo&key={key}",
    "pollution_name_behind": "evil?key={key}&name=demo",
    "pollution_name_of_own_stream": "demo?key={key}&name=demo",
    "pollution_app": "demo?key={key}&app=live",
    "pollution_addr": "demo?key={key}&addr=127.0.0.1",
    "pollution_call": "demo?key={key}&call=play",
    "pollution_encoded": "evil?%6eame=demo&key={key}",
    "traversal": "../demo?key={key}",
    "traversal_encoded": "%2e%2e%2fdemo?key={key}",
    "slash": "demo/x?key={key}",
    "leading_dash": "-demo?key={key}",
    "leading_dot": ".demo?key={key}",
    "nul": "demo\0?key={key}",
    "nul_encoded": "demo%00?key={key}",
    "semicolon": "demo;id?key={key}",
    "shell": "$(touch /tmp/pwned)?key={key}",
    "specifier": "%i?key={key}",
    "newline": "demo\n?key={key}",
    "space": "demo ?key={key}",
    "capitals": "DEMO?key={key}",
    "look_alike": "d\u0435mo?key={key}",
    "no_utf8": "demo\udcff?key={key}",
    "too_long": "d" * 300 + "?key={key}",
    "empty": "?key={key}",
}


@pytest.fixture(scope="module")
def before(deployment: Deployed, key: Key) -> Traces:
    """What is on the host before anybody was refused."""
    deployment.origin.wait_off_air()
    return traces(deployment.origin.host)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_refused(deployment: Deployed, key: Key, before: Traces, name: str) -> None:
    with RtmpClient(deployment.origin.rtmp_port).handshake() as client:
        client.connect()
        with pytest.raises(ConnectionError):
            client.publish(name.format(key=key.secret, wrong=WRONG))
    assert traces(deployment.origin.host) == before


def test_key_of_another_application_is_refused(deployment: Deployed, before: Traces) -> None:
    with RtmpClient(deployment.origin.rtmp_port).handshake() as client, pytest.raises(ConnectionError):
        client.connect("vod")
    assert traces(deployment.origin.host) == before


def test_revoked_key_is_refused(deployment: Deployed, publish: Publish) -> None:
    origin = deployment.origin
    with origin.spare_key() as revoked:
        pass
    with pytest.raises(TestbedError, match="refused"):
        publish(revoked.secret).wait("publishing")


def test_stranger_cannot_play(deployment: Deployed) -> None:
    with RtmpClient(deployment.origin.rtmp_port).handshake() as client:
        client.connect()
        client.send(rtmp.COMMAND, command("createStream", 2, None))
        client.wait_for(b"_result")
        client.send(rtmp.COMMAND, command("play", 0, None, "demo"), msid=1)
        assert client.hung_up()


@pytest.fixture
def worker(deployment: Deployed, key: Key, publish: Publish) -> Iterator[int]:
    """The ingest worker's process id, while a publisher is live; both must be there afterwards."""
    host = deployment.origin.host
    publisher = publish(key.secret, reconnect=1.0)
    publisher.wait("publishing")
    seen = publisher.events()
    before = child_pids(host, main_pid(host, "nginx@ingest"))
    yield before[0]
    assert child_pids(host, main_pid(host, "nginx@ingest")) == before
    assert publisher.events() == seen


def test_worker_survives_metadata_before_connect(deployment: Deployed, worker: int) -> None:
    # The packet that kills nginx-rtmp 1.2.2 (nginx_modules/rtmp-patches).
    with RtmpClient(deployment.origin.rtmp_port).handshake() as client:
        client.send(rtmp.DATA, command("@setDataFrame", "onMetaData", {"width": 640}))
        client.hung_up()
    deployment.origin.wait_state("live")


def test_live_stream_is_not_taken_over(deployment: Deployed, key: Key, worker: int) -> None:
    with RtmpClient(deployment.origin.rtmp_port).handshake() as client:
        client.connect()
        with pytest.raises(ConnectionError):
            client.publish(f"demo?key={key.secret}")
    deployment.origin.wait_state("live")
