"""Does a deploy leave a live SRT show alone, say what waits, and do it once the show is over?"""

from __future__ import annotations

from pathlib import Path

from testbed.deploy import deploy
from testbed.origin import Key
from tests.support.encoders import Publish
from tests.support.hosts import Deployed, say, spec_for_tests
from tests.support.processes import main_pid

UNIT = "nginx@srt.service"
CHANGED_MS = 250


def test_changed_setting_waits_for_the_end_of_the_show(
    deployment: Deployed, key: Key, publish: Publish, tmp_path: Path
) -> None:
    origin = deployment.origin
    spec = tmp_path / "changed.yaml"
    spec.write_text(spec_for_tests().read_text() + f"\ningest:\n  srt:\n    latency_ms: {CHANGED_MS}\n")
    publisher = publish.to(origin.srt_url(key))
    session = origin.wait_state("live")["session"]["id"]
    pid = main_pid(origin.host, UNIT)
    try:
        during = deploy([origin.host], say, ["--data", f"spec={spec}"])
        assert f"{UNIT}: restart deferred, {origin.slug} is live. The next deploy does it." in during.log
        assert main_pid(origin.host, UNIT) == pid
        assert publisher.process.poll() is None
        assert origin.state()["session"]["id"] == session
        assert origin.state()["state"] == "live"
        publisher.stop()
        origin.wait_state("ended")
        after = deploy([origin.host], say, ["--data", f"spec={spec}"])
        assert any(UNIT in name or "srt" in name for name in after.changed)
        assert main_pid(origin.host, UNIT) not in (0, pid)
    finally:
        publisher.stop()
        origin.wait_off_air()
        deploy([origin.host], say, ["--data", f"spec={spec_for_tests()}"])
