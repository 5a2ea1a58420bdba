"""Debian packages: the index is refreshed only when one is missing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import StringCommand, operation
from pyinfra.facts.deb import DebPackages

from deploys.commands import Commands
from headend import libsrt

# What each role runs with. The builder's compilers are the builder's own business (deploys/builder.py).
# openssl brings whichever libssl the release has; curl reads the stat page for the deploy's live guard.
RUNTIME = ("curl", "libpcre2-8-0", "openssl", "zlib1g")
BY_ROLE: dict[str, tuple[str, ...]] = {
    "builder": (),
    "ingest": (*RUNTIME, "dbus", "ffmpeg", libsrt.PACKAGE, "polkitd"),
    "control": (*RUNTIME, "dbus", "polkitd", "python3-venv"),
    # The watch page comes with the hook app's release, which is a virtual environment. ca-certificates: whom nginx@web
    # believes to be the object store.
    "web": (*RUNTIME, "ca-certificates", "python3-venv"),
}


def of_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """The packages of the given roles, sorted."""
    return tuple(sorted({package for role in roles for package in BY_ROLE[role]}))


@operation()
def install(packages: Sequence[str]) -> Commands:
    """Install the packages that are missing, without recommended ones; never upgrade one.

    + packages: names of Debian packages
    """
    missing = sorted(set(packages) - set(host.get_fact(DebPackages)))
    if not missing:
        host.noop("every package is installed")
        return
    yield StringCommand("apt-get update -qq -o Acquire::Retries=3")
    yield StringCommand(
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends"
        " -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold"
        f" {shlex.join(missing)}"
    )
