"""The whole deploy on a real host: a second run changes nothing, a killed one is finished by the next, shows go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.deploy import Outcome, deploy
from testbed.origin import Key
from testbed.places import ROOT
from tests.support.encoders import Publish
from tests.support.hosts import TEST, Deployed, say, spec_for_tests

pytestmark = pytest.mark.host

INGEST = "Run nginx@ingest.service"
WEB = "Run nginx@web.service"
HOOKS = "Run headend-hooks.service"
SRT = "Run nginx@srt.service"
FOLDERS = "Create folders"
PLACE = "Place configuration and units"

# Longer than any deploy of a host that has everything.
QUICK_SECONDS = 20
BARE_SECONDS = 240


@pytest.fixture
def spec(deployment: Deployed, tmp_path: Path) -> Path:
    """A copy of the deployed spec, for the test to change."""
    copy = tmp_path / "changed.yaml"
    copy.write_text(spec_for_tests().read_text())
    return copy


@pytest.fixture
def deploy_spec(deployment: Deployed) -> Callable[..., Outcome]:
    """Deploys a spec to the host."""

    def run(spec: Path, *options: str) -> Outcome:
        return deploy([TEST.host], say, ["--data", f"spec={spec}", *options])

    return run


def names(outcome: Outcome) -> list[str]:
    """What changed, without the build: its inputs are other tests' business."""
    return [name for name in outcome.changed if "nginx |" not in name]


def test_first_and_second_deploy(deployment: Deployed) -> None:
    if deployment.was_bare:
        assert deployment.first.seconds <= BARE_SECONDS
    assert deployment.second.changed == ()
    assert deployment.second.seconds <= QUICK_SECONDS


def test_a_live_show_defers_what_would_cut_it(
    deploy_spec: Callable[..., Outcome], spec: Path, publish: Publish, key: Key
) -> None:
    spec.write_text(spec.read_text() + "\ningest:\n  deny_publish: [198.51.100.7/32]\n")
    publisher = publish(key.secret)
    TEST.wait_state("live")
    before = master_pid("nginx@ingest.service")
    during = deploy_spec(spec)
    # Networks count for SRT too, and nobody is on air over SRT.
    assert names(during) == [PLACE, SRT]
    assert "nginx@ingest.service: restart deferred, demo is live. The next deploy does it." in during.log
    assert master_pid("nginx@ingest.service") == before
    assert TEST.state()["state"] == "live"
    publisher.stop()
    TEST.wait_off_air()
    assert names(deploy_spec(spec)) == [INGEST]
    assert names(deploy_spec(spec_for_tests())) == [PLACE, INGEST, SRT]


def test_an_srt_show_defers_what_would_cut_it(
    deploy_spec: Callable[..., Outcome], spec: Path, publish: Publish, key: Key
) -> None:
    spec.write_text(spec.read_text() + "\ningest:\n  srt:\n    latency_ms: 200\n")
    publisher = publish.to(TEST.srt_url(key))
    TEST.wait_state("live")
    before = master_pid("nginx@srt.service")
    during = deploy_spec(spec)
    # The hook app prints the latency in its URLs; its restart cuts nobody.
    assert names(during) == [PLACE, HOOKS]
    assert "nginx@srt.service: restart deferred, demo is live. The next deploy does it." in during.log
    assert master_pid("nginx@srt.service") == before
    assert TEST.state()["state"] == "live"
    publisher.stop()
    TEST.wait_off_air()
    assert names(deploy_spec(spec)) == [SRT]
    assert names(deploy_spec(spec_for_tests())) == [PLACE, HOOKS, SRT]


def test_srt_leaves_and_comes_back(deploy_spec: Callable[..., Outcome], spec: Path) -> None:
    spec.write_text(spec.read_text() + "\ningest:\n  srt:\n    enabled: false\n")
    assert names(deploy_spec(spec)) == [PLACE, FOLDERS, "Remove SRT", HOOKS, INGEST]
    for unit in ("nginx@srt.service", "srt-remux.socket"):
        assert TEST.host.run(["systemctl", "is-active", unit], check=False).stdout.strip() != "active"
    assert TEST.host.shell("ls /etc/systemd/system /etc/headend/nginx | grep srt; ss -Hlun", check=False) == ""
    assert deploy_spec(spec).changed == ()
    assert names(deploy_spec(spec_for_tests())) == [PLACE, FOLDERS, HOOKS, INGEST, "Run srt-remux.socket", SRT]


def test_a_killed_deploy_is_finished_by_the_next(deploy_spec: Callable[..., Outcome], spec: Path) -> None:
    spec.write_text(spec.read_text().replace("title: Headend demo", "title: Another title"))
    kill_deploy_at(spec, f"Starting operation: {HOOKS}")
    assert names(deploy_spec(spec)) == [HOOKS]
    assert TEST.state()["title"] == "Another title"
    assert names(deploy_spec(spec_for_tests())) == [PLACE, HOOKS]


def test_a_dropped_stream_leaves_nothing_behind(deploy_spec: Callable[..., Outcome], spec: Path) -> None:
    spec.write_text(spec.read_text().rstrip() + "\n  - slug: second\n    title: Second\n")
    deploy_spec(spec)
    TEST.host.run(["runuser", "-u", "headend-hooks", "--", "systemctl", "start", "ffmpeg@second.service"])
    dropped = deploy_spec(spec_for_tests())
    assert "Remove dropped streams" in dropped.changed
    assert TEST.host.run(["systemctl", "is-active", "ffmpeg@second.service"], check=False).stdout.strip() != "active"
    assert TEST.host.run(["test", "-e", "/etc/headend/streams/second"], check=False).returncode != 0
    assert deploy_spec(spec_for_tests()).changed == ()


def test_a_stopped_unit_is_started(deploy_spec: Callable[..., Outcome]) -> None:
    TEST.host.run(["systemctl", "stop", "nginx@web.service"])
    assert names(deploy_spec(spec_for_tests())) == [WEB]


def test_dry_and_diff_show_and_change_nothing(deploy_spec: Callable[..., Outcome], spec: Path) -> None:
    spec.write_text(spec.read_text().replace("title: Headend demo", "title: Never deployed"))
    shown = pyinfra("--dry", "--diff", "--data", f"spec={spec}")
    assert shown.returncode == 0
    assert '+       "title": "Never deployed",' in shown.stderr
    assert deploy_spec(spec_for_tests()).changed == ()


def test_a_broken_spec_changes_nothing_and_shows_no_traceback(deployment: Deployed, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(spec_for_tests().read_text().replace("video_kbps: 1000", "video_kpbs: 1000"))
    done = pyinfra("-y", "--data", f"spec={broken}")
    assert done.returncode != 0
    assert "Did you mean 'video_kbps'?" in done.stderr
    assert "No host was changed." in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def pyinfra(*options: str) -> subprocess.CompletedProcess[str]:
    """pyinfra as an operator types it, for the test's host."""
    return subprocess.run(argv(*options), cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def argv(*options: str) -> list[str]:
    """Program and arguments of a deploy to the test's host."""
    program = str(Path(sys.executable).with_name("pyinfra"))
    return [program, *options, "--limit", f"@podman/{TEST.host.container}", "inventory/testbed.py", "deploy.py"]


def kill_deploy_at(spec: Path, line: str) -> None:
    """Start a deploy and kill it as soon as it says this."""
    with subprocess.Popen(argv("-y", "--data", f"spec={spec}"), cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for text in process.stderr:
            if line in text:
                process.kill()
                return
    pytest.fail(f"the deploy never said {line!r}")


def master_pid(unit: str) -> str:
    """Process id of a unit's main process on the host."""
    return TEST.host.run(["systemctl", "show", "--property=MainPID", "--value", unit]).stdout.strip()
