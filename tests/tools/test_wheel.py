"""Does the release install on a host's Python without a network, with all that the host needs and nothing else?"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from deploys import release
from deploys.release import Release, ReleaseError, build_release

ROOT = Path(__file__).resolve().parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = ("finisher", "headend", "hooks_app", "srt_remux")
DEBIAN = {"12": "3.11", "13": "3.13"}
# Shared with deploys: a test run after a deploy downloads nothing.
CACHE = ROOT / ".cache" / "release"


@pytest.fixture(scope="module")
def built() -> Release:
    return build_release(HERE, CACHE)


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_carries_the_packages_and_the_built_page(built: Release) -> None:
    names = members(built.wheel)
    sources = {str(path.relative_to(ROOT)) for room in PACKAGES for path in (ROOT / room).rglob("*.py")}
    assert sources <= names
    assert "hooks_app/watch_assets/index.html" in names
    assert "hooks_app/watch_assets/assets/THIRD_PARTY_NOTICES.txt" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == set(PACKAGES)
    assert [name for name in names if name.startswith("hooks_app/watch/") or "node_modules" in name] == []


def test_page_names_only_files_of_the_wheel(built: Release) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        page = archive.read("hooks_app/watch_assets/index.html").decode()
    addresses = [part.split('"')[0] for part in page.split('="') if part.startswith("/watch/assets/")]
    assert len(addresses) == 3
    assert {f"hooks_app/watch_assets{address.removeprefix('/watch')}" for address in addresses} <= members(built.wheel)


def test_building_again_gives_the_same_bytes(built: Release, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    assert next(tmp_path.glob("*.whl")).read_bytes() == built.wheel.read_bytes()


@pytest.mark.parametrize("python_version", DEBIAN.values())
def test_archive_is_complete_for_each_debian(python_version: str) -> None:
    built = build_release(python_version, CACHE)
    with tarfile.open(built.archive) as archive:
        names = set(archive.getnames())
    wheels = {f"wheelhouse/{path.name}" for path in built.wheelhouse.iterdir()}
    assert names == {built.wheel.name, "requirements.txt", *wheels}
    tag = f"cp{python_version.replace('.', '')}"
    assert any("pydantic_core-" in name and f"-{tag}-{tag}-manylinux" in name for name in wheels)


def test_release_installs_without_an_index_and_its_commands_run(built: Release, tmp_path: Path) -> None:
    with tarfile.open(built.archive) as archive:
        archive.extractall(tmp_path, filter="data")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [str(tmp_path / "venv" / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "--no-index"]
    locked = ["--require-hashes", "--find-links", "wheelhouse", "-r", "requirements.txt"]
    subprocess.run([*pip, *locked], cwd=tmp_path, check=True)
    subprocess.run([*pip, "--no-deps", built.wheel.name], cwd=tmp_path, check=True)
    for command in ("headend-backup", "headend-ctl", "headend-hooks", "headend-key", "headend-token"):
        done = subprocess.run([tmp_path / "venv" / "bin" / command, "--help"], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert command in done.stdout


def test_nothing_is_built_when_nothing_changed(built: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "_run", lambda argv, what: pytest.fail(what))
    assert build_release(HERE, CACHE) == built


def test_a_release_is_named_by_what_it_is_for() -> None:
    ids = {build_release(version, CACHE).release_id for version in DEBIAN.values()}
    assert len(ids) == 2


@pytest.mark.parametrize("version", ["", "3", "3.11.2", "../3.11", "3.11; rm"])
def test_a_python_version_that_is_none_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="not a version"):
        build_release(version, tmp_path)


def test_requirements_that_depend_on_the_python_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "host.txt"
    lock.write_text("tomli==2.0.0 ; python_full_version < '3.12' --hash=sha256:00\n")
    monkeypatch.setattr(release, "REQUIREMENTS", lock)
    with pytest.raises(ReleaseError, match="Lock it without such a marker"):
        build_release(HERE, CACHE)


def test_missing_npm_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == ["watch page: npm is not installed. On Debian: apt install nodejs npm."]
