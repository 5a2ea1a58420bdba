"""Is a caller whose film RTMP cannot carry told why, where its operator looks?"""

from __future__ import annotations

import subprocess

import pytest

from testbed.origin import OFF_AIR, Key
from tests.support.encoders import Publish
from tests.support.hosts import Deployed
from tests.support.processes import until
from tests.support.remuxers import remux_pids, remux_units

PICTURE = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-pix_fmt", "yuv420p"]
HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=25"]


@pytest.fixture
def hevc(deployment: Deployed, key: Key) -> None:
    """Somebody has tried it with HEVC, and has been hung up on."""
    origin = deployment.origin
    origin.wait_off_air()
    url = origin.srt_settings(key)["ffmpeg_url"]
    argv = ["ffmpeg", "-nostdin", "-loglevel", "quiet", *PICTURE, *HEVC, "-t", "20", "-f", "mpegts", url]
    with subprocess.Popen(argv) as caller:
        try:
            until(15, lambda: origin.state()["fault"] is not None)
            assert caller.wait(10) != 0
        finally:
            caller.kill()


def test_state_and_journal_say_why(deployment: Deployed, key: Key, hevc: None, publish: Publish) -> None:
    origin = deployment.origin
    state = origin.state()
    assert state["state"] in OFF_AIR
    assert "hevc" in state["fault"]["reason"].lower()
    assert "hevc" in origin.host.shell("journalctl --no-pager --output=cat --since=-60s --unit='srt-remux@*'").lower()
    until(5, lambda: not remux_units(origin.host) and not remux_pids(origin.host))
    # Whoever comes with something better wipes it out.
    publish.to(origin.srt_url(key), reconnect=1.0)
    assert origin.wait_state("live")["fault"] is None
