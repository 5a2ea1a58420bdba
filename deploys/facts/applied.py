"""Hashes of what was last activated: they outlive an interrupted deploy, which a change handler does not."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from pyinfra.api import FactBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a unit was last activated with; empty before the first time."""

    restart: str = ""
    """Hash of everything that only a restart takes over."""
    reload: str = ""
    """Hash of everything that a reload takes over."""

    @property
    def text(self) -> str:
        """The whole of a file below <state_dir>/applied."""
        return f"restart {self.restart}\nreload {self.reload}\n"


class AppliedHashes(FactBase[dict[str, Applied]]):
    """Every hash below a folder, by file name: a unit's name, or "tmpfiles"."""

    default = dict

    def command(self, applied_dir: str) -> str:
        return f"cd {shlex.quote(applied_dir)} 2>/dev/null && grep -H . -- * 2>/dev/null; true"

    def process(self, output: list[str]) -> dict[str, Applied]:
        found: dict[str, dict[str, str]] = {}
        for line in output:
            if match := re.fullmatch(r"([^:]+):(restart|reload) ([0-9a-f]*)", line):
                found.setdefault(match[1], {})[match[2]] = match[3]
        return {name: Applied(**hashes) for name, hashes in found.items()}
