"""The kernel's limits that Headend needs higher: raised now, and by systemd-sysctl at every boot."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploys.commands import Commands
from deploys.facts.kernel import KernelNumber
from headend.host_files import RMEM_MAX, SYSCTL


@operation()
def raise_limits() -> Commands:
    """Apply sysctl.d/60-headend.conf where the running kernel allows less; never lower what it allows."""
    now = host.get_fact(KernelNumber, key="net.core.rmem_max")
    if now is None or now >= RMEM_MAX:
        host.noop("the kernel allows enough, or its limits are not this host's to change")
        return
    yield StringCommand(f"/lib/systemd/systemd-sysctl {SYSCTL}")
