"""Limits of the running kernel."""

from __future__ import annotations

import shlex

from pyinfra.api import FactBase


class KernelNumber(FactBase[int | None]):
    """A number below /proc/sys, by its sysctl name; None where nobody may change it, as in a container."""

    def command(self, key: str) -> str:
        path = shlex.quote(f"/proc/sys/{key.replace('.', '/')}")
        return f"test -w {path} && cat {path}; true"

    def process(self, output: list[str]) -> int | None:
        return int(output[0])
