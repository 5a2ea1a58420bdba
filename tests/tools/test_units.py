"""Does systemd accept the units, without a word, and are they sandboxed as promised?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headend.model.spec import Site, Spec, Stream
from headend.render import render_role
from tests.support.rendered import layout_in

SPEC = Spec(site=Site(public_url="https://live.example.org"), streams=(Stream(slug="demo", title="Demo"),))
# The promise of the design: the exposure level of systemd-analyze security, from 0 (none) to 10.
PROMISED = {
    "nginx@ingest.service": 1.7,
    "nginx@web.service": 1.7,
    "ffmpeg@demo.service": 1.5,
    "headend-hooks.service": 1.7,
}


def instances(unit: str) -> list[str]:
    """The units of PROMISED that a unit file makes: itself, or the instances of a template."""
    return [name for name in PROMISED if name.startswith(unit.removesuffix(".service"))]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The rendered units in a folder, with programs at the places that they name."""
    layout = layout_in(tmp_path)
    for role in ("ingest", "control"):
        for artifact in render_role(SPEC, layout, role):
            if artifact.path.startswith("/etc/systemd/system/"):
                for unit in instances(Path(artifact.path).name):
                    (tmp_path / unit).write_text(artifact.text)
    for program in ("opt/nginx/current/sbin/nginx", "opt/app/current/bin/headend-hooks", "etc/streams/demo/encode"):
        (tmp_path / program).parent.mkdir(parents=True)
        (tmp_path / program).symlink_to("/bin/true")
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", PROMISED)
def test_systemd_understands_every_line(unit: str, units: Path) -> None:
    # verify exits 0 on an unknown key, so what counts is that it says nothing.
    done = analyze("verify", "--man=no", str(units / unit))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit, exposure", PROMISED.items())
def test_the_sandbox_is_as_tight_as_promised(unit: str, exposure: float, units: Path) -> None:
    threshold = str(round(exposure * 10))
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={threshold}", str(units / unit))
    assert done.returncode == 0, done.stdout


def test_systemd_takes_the_users_and_the_folders(tmp_path: Path) -> None:
    artifacts = {artifact.path: artifact.text for artifact in render_role(SPEC, layout_in(Path("/srv")), "ingest")}
    for path in ("/etc/sysusers.d/headend.conf", "/etc/tmpfiles.d/headend.conf"):
        (tmp_path / path[1:]).parent.mkdir(parents=True)
        (tmp_path / path[1:]).write_text(artifacts[path])
    users = subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], capture_output=True, text=True, check=True)
    assert users.stderr.count("Creating user") == 5
    argv = ["systemd-tmpfiles", "--create", "--clean", f"--root={tmp_path}"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stderr == ""
    folder = tmp_path / "srv/media/hls/demo/720p"
    assert f"headend-encoder:x:{folder.stat().st_uid}:" in (tmp_path / "etc/passwd").read_text()
