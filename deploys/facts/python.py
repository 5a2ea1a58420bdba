"""The Python that a host's hook app runs on."""

from __future__ import annotations

from pyinfra.api import FactBase


class PythonVersion(FactBase[str]):
    """Major and minor version of python3, "3.11"; empty when there is none."""

    default = str

    def command(self) -> str:
        return "python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])' 2>/dev/null; true"
