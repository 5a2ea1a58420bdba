"""A release of the hook app, made on the operator's machine: a host needs neither a registry, nor a compiler, nor npm.

Everything is kept in a cache folder, named by the hash of what it was made from, and made again when that changes.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements" / "host.txt"
# What the wheel is built from; the folders below are made by builds or read by tests only.
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "headend", "hooks_app", "srt_remux")
NOT_SOURCES = {"node_modules", "__pycache__", "test"}
# Debian 12's C library; wheels for any older one run too (PEP 600).
NEWEST_GLIBC_MINOR = 36
OLDEST_GLIBC_MINOR = 17


class ReleaseError(Exception):
    """The release cannot be made; the text is one line for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of the hook app for one version of Python, ready to ship."""

    release_id: str
    """16 hex digits: the same for the same wheel content, requirements, Python version and machine."""
    wheel: Path
    wheelhouse: Path
    """Folder of every wheel that `requirements` names."""
    requirements: Path
    """Hash-locked requirements of a host."""
    archive: Path
    """All of the above in one .tar.gz: the wheel, requirements.txt and wheelhouse/ at its top."""
    sha256: str
    """Of the archive, hex."""


def build_release(python_version: str, cache: Path, machine: str = "x86_64") -> Release:
    """Build, or find in `cache`, the release for a Python ("3.11") and a machine (uname -m). Raises ReleaseError."""
    if not re.fullmatch(r"3\.\d{1,2}", python_version):
        raise ReleaseError(f"Python version '{python_version}': not a version. Write it as in '3.11'.")
    cache = cache.resolve()
    with _locked(cache):
        wheel = _wheel(cache)
        wheelhouse = _wheelhouse(python_version, cache, machine)
        release_id = _digest([*_members(wheel), REQUIREMENTS.read_bytes(), python_version.encode(), machine.encode()])
        archive = _archive(cache / "releases" / f"headend-app-{release_id}.tar.gz", wheel, wheelhouse)
    return Release(
        release_id=release_id,
        wheel=wheel,
        wheelhouse=wheelhouse,
        requirements=REQUIREMENTS,
        archive=archive,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """One build at a time: two would share the page's node_modules."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wheel(cache: Path) -> Path:
    files = sorted(path for name in SOURCES for path in _files(ROOT / name))
    parts = [part for path in files for part in (str(path.relative_to(ROOT)).encode(), path.read_bytes())]
    folder = cache / "wheels" / _digest(parts)
    if not folder.is_dir():
        with _new_folder(folder) as new:
            _run(
                [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(new)],
                "building the wheel",
            )
    return next(folder.glob("*.whl"))


def _wheelhouse(python_version: str, cache: Path, machine: str) -> Path:
    """The locked wheels for that Python on that machine: pip checks every hash, and builds nothing."""
    requirements = REQUIREMENTS.read_bytes()
    if re.search(rb"python_(full_)?version", requirements):
        # pip would judge such a marker by the operator's Python instead of the host's.
        raise ReleaseError(
            "requirements/host.txt: a line depends on the Python version. Lock it without such a marker."
        )
    folder = cache / "wheelhouses" / _digest([requirements, python_version.encode(), machine.encode()])
    if not folder.is_dir():
        target = ["--implementation", "cp", "--python-version", python_version]
        for minor in range(NEWEST_GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1):
            target += ["--platform", f"manylinux_2_{minor}_{machine}"]
        target += ["--platform", f"manylinux2014_{machine}"]
        with _new_folder(folder) as new:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
            lock = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(REQUIREMENTS)]
            _run([*pip, *target, *lock, "--dest", str(new)], f"fetching the wheels for Python {python_version}")
    return folder


def _archive(path: Path, wheel: Path, wheelhouse: Path) -> Path:
    """The same content gives the same bytes: sorted names, no times, no owners."""
    if path.is_file():
        return path
    members = {wheel.name: wheel, "requirements.txt": REQUIREMENTS}
    members |= {f"wheelhouse/{file.name}": file for file in wheelhouse.iterdir()}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    # Wheels are compressed already, so more than the lowest level only costs time.
    with (
        new.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, file in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(entry, content)
    new.replace(path)
    return path


def _files(path: Path) -> Iterable[Path]:
    """The files at or below a path, without what builds and tests leave there."""
    if path.is_file():
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        yield from (Path(folder, name) for name in names)


def _members(wheel: Path) -> list[bytes]:
    """Names and contents of a wheel, without what differs between two zlib versions: .gz files, and their hashes."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if not name.endswith((".gz", "/RECORD")))
        return [part for name in names for part in (name.encode(), archive.read(name))]


def _digest(parts: Iterable[bytes]) -> str:
    """16 hex digits over parts, each with its length, so that no two lists of parts look alike."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()[:16]


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder that appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=path.parent))
    try:
        yield new
        new.rename(path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _run(argv: list[str], what: str) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        errors = [line for line in said if "error" in line.lower()] or said
        raise ReleaseError(f"{what}: {errors[-1].removeprefix('ERROR: ')}")
