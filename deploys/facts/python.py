"""The Python that a host's hook app runs on."""

from __future__ import annotations

from pyinfra.api import FactBase


class HostPython(FactBase[str]):
    """Major and minor version of python3 and the machine (uname -m), "3.11 x86_64"; empty when there is no Python."""

    default = str

    def command(self) -> str:
        script = "import os, sys; print('%d.%d' % sys.version_info[:2], os.uname().machine)"
        return f'python3 -c "{script}" 2>/dev/null; true'
