"""Builds the watch page into the wheel: npm brings the locked player, esbuild bundles it.

The page becomes the package data hooks_app/watch_assets/; nothing built is left in the checkout but node_modules.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WatchPageHook(BuildHookInterface[Any]):
    """Runs before a wheel is packed; an editable install serves no page and needs none."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and name it as part of the wheel."""
        if version == "editable":
            return
        self._page = tempfile.TemporaryDirectory(prefix="headend-watch-")
        build_watch_page(Path(self.root) / "hooks_app" / "watch", Path(self._page.name))
        build_data["force_include"][self._page.name] = "hooks_app/watch_assets"


def build_watch_page(source: Path, target: Path) -> None:
    """Build the page into the folder `target`. Exits with one line when npm is missing or fails."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("watch page: npm is not installed. On Debian: apt install nodejs npm.")
    # Held until the page is built: another build at the same time would find half of node_modules.
    with (source / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(lock.read()).hexdigest()
        installed = source / "node_modules" / ".headend-lock"
        if not installed.is_file() or installed.read_text() != wanted:
            _run([npm, "ci"], source)
            installed.write_text(wanted)
        _run([npm, "run", "--silent", "build", "--", str(target)], source)


def _run(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[:300]
        raise SystemExit(f"watch page: '{' '.join(['npm', *argv[1:]])}' failed: {said or 'it said nothing'}")
