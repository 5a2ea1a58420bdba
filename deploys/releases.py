"""Release folders: <root>/releases/<id>, the atomic link <root>/current and, for the way back, <root>/previous."""

from __future__ import annotations

import shlex

from pyinfra import host
from pyinfra.api import StringCommand, operation

from deploys.commands import Commands
from deploys.facts.releases import ReleaseFolders


@operation()
def switch(root: str, release_id: str) -> Commands:
    """Point <root>/current at a release, and <root>/previous at the one before.

    + root: folder of the releases of one program
    + release_id: name of the release folder
    """
    wanted = f"releases/{release_id}"
    current = host.get_fact(ReleaseFolders, root=root).current
    if current == wanted:
        host.noop(f"{root}/current is {release_id}")
        return
    if current:
        yield _link(root, "previous", current)
    yield _link(root, "current", wanted)


def _link(root: str, name: str, target: str) -> StringCommand:
    """rename(2) over the old link: there is no moment without one."""
    link = shlex.quote(f"{root}/{name}")
    return StringCommand(f"ln -sfn -- {shlex.quote(target)} {link}.new && mv -fT -- {link}.new {link}")


@operation()
def prune(root: str) -> Commands:
    """Remove the releases that neither `current` nor `previous` names.

    + root: folder of the releases of one program
    """
    there = host.get_fact(ReleaseFolders, root=root)
    kept = (there.current, there.previous)
    dropped = [f"{root}/releases/{name}" for name in there.names if f"releases/{name}" not in kept]
    if not dropped:
        host.noop("only the current and the previous release are kept")
        return
    yield StringCommand(f"rm -rf -- {shlex.join(dropped)}")
