"""The facts' own commands, run by a real shell in a folder of the test, and what they make of the output."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import FactBase

from deploys.facts.activation import Activation, UnitActivation
from deploys.facts.applied import Applied, AppliedHashes
from deploys.facts.files import FolderNames, MissingPaths, MissingUsers, Placed, PlacedFiles
from deploys.facts.kernel import KernelNumber
from deploys.facts.libsrt import Libsrt
from deploys.facts.python import HostPython
from deploys.facts.releases import ReleaseFolders, Releases
from deploys.facts.units import LiveCallers, LiveStreams, Units, UnitState
from headend.artifact import Artifact


def read(fact: type[FactBase[Any]], **arguments: Any) -> Any:
    """The fact as this machine answers it; pyinfra takes the default for an empty output."""
    done = subprocess.run(["sh", "-c", fact().command(**arguments)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return fact().process(lines) if lines else fact().default()


def test_a_placed_artifact_equals_itself(tmp_path: Path) -> None:
    path = tmp_path / "encode"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    owner, group = path.owner(), path.group()
    artifact = Artifact(path=str(path), text="#!/bin/sh\n", mode="0755", owner=owner, group=group)
    assert read(PlacedFiles, paths=(str(path), str(tmp_path / "missing"))) == {str(path): Placed.of(artifact)}


def test_a_link_is_no_artifact(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("text")
    (tmp_path / "link").symlink_to("real")
    artifact = Artifact(path=str(tmp_path / "link"), text="text")
    assert read(PlacedFiles, paths=(artifact.path,))[artifact.path] != Placed.of(artifact)


def test_no_file_is_placed(tmp_path: Path) -> None:
    assert read(PlacedFiles, paths=(str(tmp_path / "missing"),)) == {}


def test_folder_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "file").touch()
    assert read(FolderNames, path=str(tmp_path)) == ["a", "b"]
    assert read(FolderNames, path=str(tmp_path / "missing")) == []


def test_missing_paths_and_users(tmp_path: Path) -> None:
    assert read(MissingPaths, paths=(str(tmp_path), str(tmp_path / "x"))) == [str(tmp_path / "x")]
    assert read(MissingUsers, users=("root", "nobody-by-that-name")) == ["nobody-by-that-name"]


def test_releases_and_their_links(tmp_path: Path) -> None:
    (tmp_path / "releases" / "a").mkdir(parents=True)
    (tmp_path / "releases" / "b").mkdir()
    (tmp_path / "current").symlink_to("releases/b")
    assert read(ReleaseFolders, root=str(tmp_path)) == Releases(current="releases/b", names=("a", "b"))
    (tmp_path / "previous").symlink_to("releases/a")
    assert read(ReleaseFolders, root=str(tmp_path)).previous == "releases/a"
    assert read(ReleaseFolders, root=str(tmp_path / "missing")) == Releases()


def test_activation_of_a_unit(tmp_path: Path) -> None:
    unit = "headend-no-such-unit.service"
    (tmp_path / unit).write_text(Applied(restart="a1", reload="b2").text)
    (tmp_path / "current").symlink_to("releases/b")
    link = str(tmp_path / "current")
    found = read(UnitActivation, unit=unit, applied_dir=str(tmp_path), release_link=link)
    assert (found.applied, found.release) == (Applied(restart="a1", reload="b2"), "releases/b")
    assert not found.state.running
    assert read(UnitActivation, unit=unit, applied_dir="/nonexistent", release_link="/nonexistent") == Activation()


def test_applied_hashes_read_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "nginx@web.service").write_text(Applied(restart="a1", reload="b2").text)
    (tmp_path / "tmpfiles").write_text(Applied(restart="c3").text)
    assert read(AppliedHashes, applied_dir=str(tmp_path)) == {
        "nginx@web.service": Applied(restart="a1", reload="b2"),
        "tmpfiles": Applied(restart="c3"),
    }
    assert read(AppliedHashes, applied_dir=str(tmp_path / "missing")) == {}


def test_one_applied_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "tmpfiles").write_text(Applied(restart="c3").text)
    assert read(AppliedHashes, applied_dir=str(tmp_path)) == {"tmpfiles": Applied(restart="c3")}


def test_python_version() -> None:
    assert read(HostPython).count(".") == 1


SHOWN = """\
Id=nginx@ingest.service
ActiveState=active
SubState=running
UnitFileState=enabled
NeedDaemonReload=no

Id=headend-hooks.service
ActiveState=failed
SubState=failed
UnitFileState=
NeedDaemonReload=yes
"""


def test_units() -> None:
    assert Units().process(SHOWN.splitlines()) == {
        "nginx@ingest.service": UnitState(active="active", sub="running", enabled=True),
        "headend-hooks.service": UnitState(active="failed", sub="failed", needs_daemon_reload=True),
    }


STAT = """<rtmp><server><application><name>live</name><live>
<stream><name>demo</name><client><id>3</id><publishing/></client><publishing/><active/></stream>
<stream>
<name>waiting</name>
<client><id>4</id></client></stream>
<nclients>2</nclients></live></application></server></rtmp>"""


def test_live_streams_have_a_publisher() -> None:
    assert LiveStreams().process(STAT.splitlines()) == ["demo"]
    assert LiveStreams().process(["<rtmp></rtmp>"]) == []


def test_a_silent_stat_page_is_not_an_empty_one() -> None:
    closed_port = 9  # discard: nothing listens there
    assert read(LiveStreams, stat_port=closed_port) is None
    assert read(LiveCallers, stat_port=closed_port) is None


@pytest.mark.parametrize(
    "page, callers",
    [
        ('{"version": 1,\n"sessions": [{"slug": "b"}, {"slug": "a"}, {"slug": "b"}]}', ["a", "b"]),
        ('{"version": 1, "sessions": []}', []),
        ("", None),
        ("<html>404</html>", None),
        ('{"version": 1}', None),
        ("[]", None),
    ],
)
def test_live_callers(page: str, callers: list[str] | None) -> None:
    assert LiveCallers().process(page.splitlines()) == callers


def test_a_watched_file_has_its_time(tmp_path: Path) -> None:
    (tmp_path / "x86").mkdir()
    (tmp_path / "x86" / "lib.so.1").touch()
    os.utime(tmp_path / "x86" / "lib.so.1", (7, 7))
    watched = (f"{tmp_path}/*/lib.so.1", f"{tmp_path}/missing")
    found = read(UnitActivation, unit="no.service", applied_dir="/nonexistent", release_link="/no", watched=watched)
    assert found.modified == (f"7 {tmp_path}/x86/lib.so.1",)


OLD_DPKG = """#!/bin/sh
echo 'installed {version}'
"""


@pytest.mark.parametrize("version, ok", [("1.5.1-1", False), ("1.5.1-1+deb12u1", False), ("9.0-1", True)])
def test_libsrt_by_dpkgs_own_comparison(
    version: str, ok: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dpkg-query").write_text(OLD_DPKG.format(version=version))
    (tmp_path / "dpkg-query").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = read(Libsrt)
    assert (found.version, found.ok) == (version, ok)
    assert (found.problem is None) == ok


def test_a_number_of_the_kernel_and_one_that_nobody_may_change() -> None:
    assert KernelNumber().process(["212992"]) == 212992
    assert read(KernelNumber, key="kernel.ostype.not.there") is None


def test_no_libsrt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dpkg-query").symlink_to("/bin/false")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert read(Libsrt) is None
