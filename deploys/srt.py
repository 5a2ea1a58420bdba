"""The end of SRT on a host whose spec no longer has it: its units stop, its files go."""

from __future__ import annotations

import shlex

from pyinfra import host, logger
from pyinfra.api import StringCommand, operation

from deploys.activate import reason_to_wait
from deploys.commands import Commands
from deploys.facts.files import MissingPaths
from deploys.facts.units import LiveCallers, Units, UnitState
from deploys.site import Site
from headend.host_files import SYSCTL

UNITS = ("nginx@srt.service", "srt-remux.socket")
SYSTEM = "/etc/systemd/system"
DROP_IN_FOLDERS = (f"{SYSTEM}/nginx@ingest.service.d", f"{SYSTEM}/nginx@srt.service.d")


@operation()
def retire(here: Site, applied_dir: str, cut_live_streams: bool) -> Commands:
    """Stop and disable SRT's units and remove their files; while somebody calls, the next deploy does it.

    + here: the host's share of a spec without SRT
    + applied_dir: where the hashes of the last activation are kept
    + cut_live_streams: do it even under a live caller
    """
    paths = files(here.layout.config_dir)
    missing = host.get_fact(MissingPaths, paths=paths)
    left = [path for path in paths if path not in missing]
    if not left:
        host.noop("nothing of SRT is here")
        return
    states = host.get_fact(Units, units=UNITS)
    running = [unit for unit in UNITS if states.get(unit, UnitState()).running]
    enabled = [unit for unit in UNITS if states.get(unit, UnitState()).enabled]
    if UNITS[0] in running and not cut_live_streams:
        reason = reason_to_wait(LiveCallers, here.layout.srt_stat_port)
        if reason:
            host.log(f"{UNITS[0]}: stop deferred, {reason}.", logger.warning)
            return
    yield StringCommand(f"systemctl stop -- {shlex.join(running)} 'srt-remux@*.service'")
    if enabled:
        yield StringCommand(f"systemctl disable --quiet -- {shlex.join(enabled)}")
    yield StringCommand(f"rm -f -- {shlex.join((*left, *(f'{applied_dir}/{unit}' for unit in UNITS)))}")
    # Somebody else may have put something there.
    yield StringCommand(f"rmdir --ignore-fail-on-non-empty -- {shlex.join(DROP_IN_FOLDERS)} 2>/dev/null; true")
    yield StringCommand("systemctl daemon-reload")


def files(config_dir: str) -> tuple[str, ...]:
    """Every file that only a host with SRT has."""
    return (
        f"{config_dir}/nginx/srt.conf",
        *(f"{folder}/srt.conf" for folder in DROP_IN_FOLDERS),
        f"{SYSTEM}/srt-remux.socket",
        f"{SYSTEM}/srt-remux@.service",
        SYSCTL,
    )
