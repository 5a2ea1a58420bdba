"""The programs of the laboratory's object stores, in an environment of their own."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from testbed.fault import TestbedError
from testbed.places import ROOT, cache_dir

LOCK = ROOT / "requirements" / "store.txt"


def store_tools() -> Path:
    """The folder with swift-* and rclone, installed at first use, which takes some seconds. Raises TestbedError."""
    home = cache_dir() / "store"
    home.mkdir(exist_ok=True)
    stamp = f"{sys.version} {home} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"
    with (home / "lock").open("w") as guard:
        # Two suites at once: one of them installs, the other waits.
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (home / "stamp").exists() or (home / "stamp").read_text() != stamp:
            _install(home / "venv")
            (home / "stamp").write_text(stamp)
    return home / "venv" / "bin"


def _install(venv: Path) -> None:
    pip = (str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
    for argv in (
        [sys.executable, "-m", "venv", "--clear", str(venv)],
        [*pip, "install", "--require-hashes", "--requirement", str(LOCK)],
    ):
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or ["failed without a word"]
            raise TestbedError(
                f"testbed {LOCK.name}: the stores did not install: {words[-1]}. See to the package index"
            )
