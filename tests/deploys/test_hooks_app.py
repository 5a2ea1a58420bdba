"""The hook app's release: what is shipped, what pip is told, and that an unfinished release is made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from deploys import hooks_app
from deploys.facts.files import MissingPaths
from deploys.facts.python import HostPython
from deploys.facts.releases import ReleaseFolders, Releases
from deploys.release import Release, ReleaseError

RELEASE = Release(
    release_id="ab12",
    wheel=Path("headend-0.1.0-py3-none-any.whl"),
    wheelhouse=Path("wheelhouse"),
    requirements=Path("requirements.txt"),
    archive=Path("release.tar.gz"),
    sha256="c0ffee",
)
ROOT = "/opt/headend/app"
WORK = f"{ROOT}/incoming"
INSTALLED = {HostPython: "3.11 x86_64", MissingPaths: []}
MISSING = {HostPython: "3.11 x86_64", MissingPaths: [f"{ROOT}/releases/ab12/COMPLETE"]}


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pythons and machines for which a release was built."""
    pythons: list[str] = []

    def build(version: str, cache: Path, machine: str) -> Release:
        pythons.append(f"{version} {machine}")
        return RELEASE

    monkeypatch.setattr(hooks_app, "build_release", build)
    hooks_app._release.cache_clear()
    return pythons


def test_installed_noop(run_operation: Callable[..., Any]) -> None:
    assert run_operation(hooks_app.install, INSTALLED, root=ROOT, install_from="wheelhouse").commands == []


def test_wheelhouse_is_verified_and_no_index_is_asked(run_operation: Callable[..., Any]) -> None:
    clear, upload, unpack, fill = run_operation(
        hooks_app.install, MISSING, root=ROOT, install_from="wheelhouse"
    ).commands
    assert clear == f"umask 022; rm -rf {ROOT}/releases/ab12 {WORK} && mkdir -p {ROOT}/releases/ab12 {WORK}"
    assert upload == f"upload {WORK}/release.tar.gz"
    assert "echo 'c0ffee  release.tar.gz' | sha256sum --check" in unpack
    assert fill.count("--no-index") == 2
    assert f"--no-index --find-links {WORK}/wheelhouse --require-hashes --requirement {WORK}/requirements.txt" in fill


def test_a_host_with_internet_gets_only_our_own_wheel(run_operation: Callable[..., Any]) -> None:
    commands = run_operation(hooks_app.install, MISSING, root=ROOT, install_from="index").commands
    assert [command for command in commands if command.startswith("upload")] == [
        f"upload {WORK}/requirements.txt",
        f"upload {WORK}/{RELEASE.wheel.name}",
    ]
    requirements, own = (step for step in commands[-1].split(" && ") if "pip install" in step)
    assert "--require-hashes" in requirements
    assert "--no-index" not in requirements
    assert "--no-index" in own


def test_complete_is_written_last(run_operation: Callable[..., Any]) -> None:
    steps = run_operation(hooks_app.install, MISSING, root=ROOT, install_from="index").commands[-1].split(" && ")
    assert steps[-2:] == ["touch COMPLETE", f"rm -rf {WORK}"]


def test_install_and_switch_mean_the_same_release(run_operation: Callable[..., Any], built: list[str]) -> None:
    run_operation(hooks_app.install, INSTALLED, root=ROOT, install_from="wheelhouse")
    facts = {HostPython: "3.11 x86_64", ReleaseFolders: Releases(current="releases/ab12")}
    switched = run_operation(hooks_app.switch, facts, root=ROOT)
    assert switched.commands == []
    assert built == ["3.11 x86_64"]


def test_a_bare_host_has_no_python_yet(run_operation: Callable[..., Any], built: list[str]) -> None:
    run = run_operation(hooks_app.install, {HostPython: ""}, root=ROOT, install_from="wheelhouse")
    assert run.commands == ["python3 --version"]
    assert built == []


def test_a_release_that_cannot_be_built_is_one_line(
    run_operation: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(version: str, cache: Path, machine: str) -> Release:
        raise ReleaseError("watch page: npm is not installed.")

    monkeypatch.setattr(hooks_app, "build_release", build)
    with pytest.raises(OperationError, match=r"watch page: npm is not installed\."):
        run_operation(hooks_app.install, MISSING, root=ROOT, install_from="wheelhouse")
