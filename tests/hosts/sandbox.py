"""Exposure of a unit, as systemd on the host scores it."""

from __future__ import annotations

from testinfra.host import Host


def exposure(host: Host, unit: str) -> float:
    """systemd-analyze's overall exposure level, 0.0 (closed) to 10.0 (open)."""
    report = host.check_output("systemd-analyze security --no-pager %s", unit)
    last = report.strip().splitlines()[-1]
    return float(last.rpartition(": ")[2].split()[0])
