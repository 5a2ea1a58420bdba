"""The announcer on a host: its destinations' secrets, and its end where the spec names no destination any more."""

from __future__ import annotations

import shlex

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploys.commands import Commands
from deploys.facts.files import MissingPaths

UNIT = "headend-announce.service"
FILE = f"/etc/systemd/system/{UNIT}"


def secret_path(config_dir: str, name: str) -> str:
    """Where a destination's secret lies on a host."""
    return f"{config_dir}/credentials/announce-{name}"


@operation()
def retire(config_dir: str, applied_dir: str) -> Commands:
    """Stop the announcer of a spec that names no destination any more.

    + config_dir: the host's configuration
    + applied_dir: where the hashes of the last activation are kept
    """
    if host.get_fact(MissingPaths, paths=(FILE,)):
        host.noop("there is no announcer")
        return
    yield StringCommand(f"systemctl disable --quiet --now -- {UNIT}")
    left = (FILE, f"{config_dir}/announcer.json", f"{applied_dir}/{UNIT}")
    yield StringCommand(f"rm -f -- {shlex.join(left)}")
    yield StringCommand("systemctl daemon-reload")
