"""The remuxers of a deployed host, as systemd and the kernel know them."""

from __future__ import annotations

from testbed.host import Host

USER = "headend-remux"


def remux_units(host: Host) -> list[str]:
    """Every remuxer's unit that systemd still knows, running, failed or otherwise."""
    listed = host.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "srt-remux@*"]).stdout
    return [line.split()[0] for line in listed.splitlines()]


def remux_pids(host: Host) -> list[int]:
    """Every process of the remuxers' user, whatever has become of its unit."""
    return [int(pid) for pid in host.run(["pgrep", "-u", USER], check=False).stdout.split()]


def units_started(host: Host) -> int:
    """How many remuxers the socket has started since it listens."""
    return int(host.run(["systemctl", "show", "--property=NAccepted", "--value", "srt-remux.socket"]).stdout)
