"""Does a stream that ends and comes back go on where its viewers are?"""

from __future__ import annotations

import m3u8

from testbed.origin import Key
from testbed.publisher import Publisher
from testbed.viewer import Viewer
from tests.end_to_end.conftest import RECONNECT_SECONDS
from tests.support.encoders import Publish
from tests.support.hosts import Deployed


def test_playlists_continue_with_a_discontinuity(deployment: Deployed, key: Key, publish: Publish) -> None:
    origin = deployment.origin
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    first = on_air(viewer, publish, key)
    session = origin.wait_state("live")["session"]["id"]
    first.stop()
    ended = origin.wait_state("ended", seconds=10)
    assert ended["session"]["ended_at"]
    before = {name: m3u8.loads(viewer.text(url) or "") for name, url in viewer.renditions().items()}
    second = on_air(viewer, publish, key)
    assert origin.wait_state("live")["session"]["id"] != session
    for name, url in viewer.renditions().items():
        now = m3u8.loads(viewer.text(url) or "")
        old, new = before[name].segments[-1], now.segments[-1]
        assert new.uri != old.uri
        assert now.media_sequence >= before[name].media_sequence
        joints = [one for one in now.segments if one.discontinuity and run_of(one.uri) == run_of(new.uri)]
        assert len(joints) == 1, name
        assert not now.is_endlist
    second.stop()
    viewer.http.close()


def on_air(viewer: Viewer, publish: Publish, key: Key) -> Publisher:
    """A new encoder whose every rendition plays."""
    seen = viewer.listed()
    publisher = publish(key.secret, RECONNECT_SECONDS)
    publisher.wait("publishing")
    viewer.wait_playable(seen)
    return publisher


def run_of(uri: str) -> str:
    """The run id that a segment's name begins with."""
    return uri.rpartition("/")[2].partition("-")[0]
