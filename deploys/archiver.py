"""The archiver on a host: its store's secret, and its end where the spec records nothing any more."""

from __future__ import annotations

import shlex

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploys.commands import Commands
from deploys.facts.files import MissingPaths
from deploys.facts.units import Units, UnitState

UNIT = "headend-archive.service"
TIMER = "headend-prune.timer"

_SYSTEM = "/etc/systemd/system"


def secret_path(config_dir: str, name: str) -> str:
    """Where the archive's secret access key lies on a host."""
    return f"{config_dir}/credentials/archive-{name}"


@operation()
def retire(config_dir: str, applied_dir: str) -> Commands:
    """Stop the archiver of a spec that records nothing any more. What was recorded stays, here and in the store.

    + config_dir: the host's configuration
    + applied_dir: where the hashes of the last activation are kept
    """
    paths = files(config_dir)
    missing = host.get_fact(MissingPaths, paths=paths)
    left = [path for path in paths if path not in missing]
    if not left:
        host.noop("nothing of the archiver is here")
        return
    states = host.get_fact(Units, units=(UNIT, TIMER))
    known = [unit for unit in (UNIT, TIMER) if states.get(unit, UnitState()) != UnitState()]
    if known:
        yield StringCommand(f"systemctl disable --quiet --now -- {shlex.join(known)}")
    # The timer may have started one a moment ago, and the archiver finishers; what they have not done stays as it is.
    yield StringCommand("systemctl stop -- headend-prune.service 'headend-finish@*.service' 2>/dev/null; true")
    applied = (f"{applied_dir}/{unit}" for unit in (UNIT, TIMER))
    yield StringCommand(f"rm -f -- {shlex.join((*left, *applied))}")
    yield StringCommand("systemctl daemon-reload")


def files(config_dir: str) -> tuple[str, ...]:
    """Every file that only a host has where something is recorded."""
    return (
        f"{_SYSTEM}/nginx@ingest.service.d/recording.conf",
        f"{_SYSTEM}/{UNIT}",
        f"{_SYSTEM}/headend-prune.service",
        f"{_SYSTEM}/{TIMER}",
        f"{_SYSTEM}/headend-finish@.service",
        f"{config_dir}/archiver.json",
        "/usr/local/bin/headend-archive",
    )
