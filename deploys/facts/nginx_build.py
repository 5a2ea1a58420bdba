"""What the builder knows of its newest nginx build, as its own script tells it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra.api import FactBase


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStatus:
    """The newest build, and whether it is the one that today's inputs would give."""

    due: str | None = "nothing is built yet"
    """Why a build must run; None when the newest one is as wanted."""
    build_id: str = ""
    archive: str = ""
    """Path on the builder."""
    sha256: str = ""
    stale: bool = False
    """Whether its sources are older than the newest in the index."""
    toolchain: tuple[str, ...] = ()
    """Packages that builds installed, that are still there, and that running nginx does not need."""


class NginxBuild(FactBase[BuildStatus]):
    """The status of the build; that of a builder without anything when the script is not there yet."""

    default = BuildStatus

    def command(self, script: str, options: Sequence[str]) -> str:
        return f"test ! -x {shlex.quote(script)} || {shlex.join((script, 'status', *options))} || true"

    def process(self, output: list[str]) -> BuildStatus:
        if not output:
            return BuildStatus()
        said = json.loads(output[-1])
        last = said["last"] or {}
        return BuildStatus(
            due=said["due"],
            build_id=last.get("build_id", ""),
            archive=last.get("archive", ""),
            sha256=last.get("sha256", ""),
            stale=last.get("stale", False),
            toolchain=tuple(said["toolchain"]),
        )


class Platform(FactBase[str]):
    """Debian's code name and the architecture, "bookworm amd64": a build runs only where both are the same."""

    default = str

    def command(self) -> str:
        return '. /etc/os-release; echo "$VERSION_CODENAME $(dpkg --print-architecture)"'
