"""System users and folders, made by systemd's own tools from rendered files."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploys.activate import digest, write_applied
from deploys.commands import Commands
from deploys.facts.applied import Applied, AppliedHashes
from deploys.facts.files import MissingPaths, MissingUsers
from deploys.site import Site

SYSUSERS = "/etc/sysusers.d/headend.conf"
TMPFILES = "/etc/tmpfiles.d/headend.conf"

# One user per thing that runs; each host has them all, so that files shared between hosts keep their owners' names.
USERS = (
    "headend-archive",
    "headend-build",
    "headend-encoder",
    "headend-finish",
    "headend-hooks",
    "headend-ingest",
    "headend-remux",
    "headend-srt",
    "headend-web",
)


@operation()
def create_users() -> Commands:
    """Create the system users of sysusers.d/headend.conf that are missing."""
    if host.get_fact(MissingUsers, users=USERS):
        yield StringCommand(f"systemd-sysusers {SYSUSERS}")
    else:
        host.noop("every system user exists")


@operation()
def create_folders(here: Site, applied_dir: str) -> Commands:
    """Create the folders of tmpfiles.d/headend.conf when that file is new or a folder is missing.

    + here: the host's share of the spec
    + applied_dir: where the hash of the last run is kept
    """
    wanted = Applied(restart=digest(here.under(TMPFILES)))
    applied = host.get_fact(AppliedHashes, applied_dir=applied_dir).get("tmpfiles")
    run_dirs = (here.layout.run_dir, *((f"{here.layout.run_dir}/srt",) if here.has_srt else ()))
    root = here.layout.recordings_root
    recorded = (f"{root}/buffer", f"{root}/kept") if here.records else ()
    folders = (*run_dirs, *recorded, *(f"{here.layout.media_root}/hls/{slug}" for slug in here.slugs))
    if applied == wanted and not host.get_fact(MissingPaths, paths=folders):
        host.noop("every folder exists")
        return
    yield StringCommand(f"systemd-tmpfiles --create {TMPFILES}")
    yield write_applied(applied_dir, "tmpfiles", wanted)
