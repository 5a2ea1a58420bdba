"""Does the control app do over the real network, with real programs, what its guide says?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from testbed.listener import Listener
from testbed.origin import Key, Origin
from testbed.viewer import Viewer
from tests.support.encoders import Publish
from tests.support.hosts import Deployed
from tests.support.processes import until

END_TAG = "#EXT-X-ENDLIST"
Ask = Callable[..., requests.Response]


@pytest.fixture
def origin(deployment: Deployed) -> Origin:
    return deployment.origin


@pytest.fixture
def ask(origin: Origin) -> Iterator[Ask]:
    """The API through nginx@web, with an admin's token that was made on the host."""
    made = json.loads(origin.host.run(["headend", "token", "add", "--role", "admin", "--json"]).stdout)
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {made['token']}"

    def request(method: str, path: str, **more: Any) -> requests.Response:
        return session.request(method, f"{origin.http}/api/v1/{path}", timeout=10, **more)

    yield request
    session.close()
    origin.host.run(["headend", "token", "revoke", made["token_id"]])


def playlists(origin: Origin) -> list[str]:
    """The text of every media playlist."""
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    try:
        return [viewer.text(url) or "" for url in viewer.renditions().values()]
    finally:
        viewer.http.close()


@pytest.fixture
def listener(origin: Origin) -> Iterator[Listener]:
    listener = Listener(origin)
    assert listener.connected.wait(5)
    yield listener
    listener.close()


def test_an_encoder_that_comes_back_has_its_session_and_viewers_see_no_end(
    origin: Origin, key: Key, publish: Publish, listener: Listener
) -> None:
    publisher = publish(key.secret)
    session = origin.wait_state("live")["session"]["id"]
    assert not any(END_TAG in text for text in playlists(origin))
    publisher.stop()
    origin.wait_state("interrupted")
    assert not any(END_TAG in text for text in playlists(origin))
    again = publish(key.secret)
    assert origin.wait_state("live")["session"]["id"] == session
    assert all("#EXT-X-DISCONTINUITY" in text for text in playlists(origin))
    again.stop()
    origin.wait_state("ended")
    until(5, lambda: all(END_TAG in text for text in playlists(origin)))
    until(5, lambda: listener.states()[-1:] == ["ended"])
    # A change while interrupted (lost, returned) is one too.
    seen = listener.states()
    assert (seen[0], seen.count("ended"), seen.index("live") < seen.index("interrupted")) == ("starting", 1, True)


def test_a_change_is_heard_within_two_seconds_of_the_publish(
    origin: Origin, key: Key, publish: Publish, listener: Listener
) -> None:
    publisher = publish(key.secret)
    connecting = publisher.wait("connecting")["at"]
    until(10, lambda: "starting" in listener.states())
    heard = next(at for at, change in listener.heard if change["after"] == "starting")
    assert heard - connecting < 2
    origin.wait_state("live")


def test_a_planned_event_is_met_and_told_everywhere(origin: Origin, key: Key, publish: Publish, ask: Ask) -> None:
    now = time.time()

    def window(begins: int, ends: int) -> dict[str, str]:
        times = {"starts_at": now + begins, "ends_at": now + ends}
        return {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for name, at in times.items()}

    made = ask("POST", "events", json={"slug": origin.slug, "title": "Planned show", **window(60, 3600)})
    assert made.status_code == 201, made.text
    event_id = made.json()["id"]
    assert origin.state()["state"] == "scheduled"
    assert "Planned show" in ask("GET", "calendar.ics").text
    publisher = publish(key.secret)
    origin.wait_state("live")
    (on_air,) = ask("GET", "live").json()["live"]
    assert (on_air["title"], on_air["event_id"]) == ("Planned show", event_id)
    (session,) = ask("GET", f"sessions?stream={origin.slug}&limit=1").json()["items"]
    until(5, lambda: ask("GET", f"sessions/{session['id']}").json()["codecs"] is not None)
    assert ask("GET", f"sessions/{session['id']}").json()["codecs"]["video"] == "H264"
    # Its window closes with it: whatever is published after this is not for it.
    closed = ask("PATCH", f"events/{event_id}", json=window(-60, 0), headers={"If-Match": "*"})
    assert closed.status_code == 200, closed.text
    publisher.stop()
    origin.wait_state("ended")
    assert ask("GET", f"events/{event_id}").json()["state"] == "ended"


def test_a_revoked_key_is_off_air_within_two_seconds(origin: Origin, publish: Publish, ask: Ask) -> None:
    made = ask("POST", "keys", json={"slug": origin.slug, "replace": True}).json()
    publish(made["secret"])
    origin.wait_state("live")
    revoked = time.monotonic()
    assert ask("POST", f"keys/{made['key_id']}/revoke").status_code == 200
    origin.wait_state("ended", seconds=5)
    assert time.monotonic() - revoked < 2 + 0.5


def test_a_stream_made_at_run_time_goes_live_on_its_ladder_and_is_removed(
    origin: Origin, publish: Publish, ask: Ask
) -> None:
    assert ask("POST", "streams", json={"slug": "pop-up", "title": "Pop-up"}).status_code == 201
    pop_up = replace(origin, slug="pop-up")
    media = "/srv/headend/media/hls/pop-up"
    try:
        listed = ask("GET", "streams/pop-up").json()
        assert (listed["state"], listed["renditions"]) == ("offline", origin.state()["renditions"])
        key = ask("POST", "keys", json={"slug": "pop-up"}).json()
        publisher = publish.to(pop_up.publish_url(key["secret"]))
        pop_up.wait_state("live")
        assert origin.state()["state"] != "live"
        assert origin.host.run(["stat", "--format=%U", media]).stdout.strip() == "headend-encoder"
        publisher.stop()
        pop_up.wait_state("ended")
    finally:
        assert ask("DELETE", "streams/pop-up").status_code == 204
    assert ask("GET", "streams/pop-up").status_code == 404
    until(10, lambda: origin.host.run(["test", "-e", f"{media}/master.m3u8"], check=False).returncode != 0)


def test_strangers_change_nothing_through_the_web(origin: Origin) -> None:
    for method, path in (("POST", "events"), ("POST", "keys"), ("DELETE", "streams/demo"), ("PATCH", "events/1")):
        answer = requests.request(method, f"{origin.http}/api/v1/{path}", json={}, timeout=10, proxies={"http": ""})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_the_command_on_the_host_says_what_the_api_says(origin: Origin) -> None:
    made = json.loads(origin.host.run(["headend", "token", "add", "--role", "viewer", "--json"]).stdout)
    try:
        said = origin.host.run(["headend-ctl", "login"], stdin=made["token"] + "\n").stdout
        assert "kept in" in said
        streams = json.loads(origin.host.run(["headend-ctl", "status", "--json"]).stdout)
        assert [stream["slug"] for stream in streams] == [origin.slug]
        assert "SLUG" in origin.host.run(["headend-ctl", "status"]).stdout
        refused = origin.host.run(["headend-ctl", "kick", origin.slug], check=False)
        assert (refused.returncode, "needs the role operator" in refused.stderr) == (1, True)
    finally:
        origin.host.run(["headend", "token", "revoke", made["token_id"]])
