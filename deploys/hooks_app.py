"""The hook app on the host: a virtual environment of its own for each release, filled without trusting any index."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pyinfra import host
from pyinfra.api import FileUploadCommand, StringCommand, operation
from pyinfra.api.exceptions import OperationError

from deploys import releases
from deploys.commands import Commands
from deploys.facts.files import MissingPaths
from deploys.facts.python import HostPython
from deploys.release import Release, ReleaseError, build_release

# Wheels, and the archive of each release, kept between deploys on the operator's machine.
CACHE = Path(".cache/release")

# Written last: a release folder without it is an interrupted installation and is made again.
COMPLETE = "COMPLETE"

PIP_INSTALL = "python -m pip install --quiet --no-input --disable-pip-version-check --no-cache-dir --no-deps"


@operation()
def install(root: str, install_from: str) -> Commands:
    """Create the virtual environment of the release, with every package pinned by hash.

    + root: folder of the hook app's releases
    + install_from: "wheelhouse" ships every wheel; "index" ships only our own and lets the host fetch the rest
    """
    release = release_for_host()
    if release is None:
        # Only in the dry run of a bare host: the packages come first.
        yield StringCommand("python3 --version")
        return
    folder = f"{root}/releases/{release.release_id}"
    if not host.get_fact(MissingPaths, paths=(f"{folder}/{COMPLETE}",)):
        host.noop(f"release {release.release_id} is installed")
        return
    work = f"{root}/incoming"
    yield StringCommand(f"umask 022; rm -rf {folder} {work} && mkdir -p {folder} {work}")
    if install_from == "index":
        yield upload(release.requirements, f"{work}/requirements.txt")
        yield upload(release.wheel, f"{work}/{release.wheel.name}")
    else:
        yield upload(release.archive, f"{work}/release.tar.gz")
        check = f"echo '{release.sha256}  release.tar.gz' | sha256sum --check --quiet"
        yield StringCommand(f"cd {work} && {check} && tar --extract --gzip --no-same-owner --file release.tar.gz")
    yield StringCommand(install_script(folder, work, release.wheel.name, install_from))


@operation()
def switch(root: str) -> Commands:
    """Point <root>/current at the release of this deploy.

    + root: folder of the hook app's releases
    """
    if release := release_for_host():
        yield from releases.switch._inner(root=root, release_id=release.release_id)


def release_for_host() -> Release | None:
    """The release for this host's Python and machine; None on a host that has no Python yet."""
    python = host.get_fact(HostPython)
    return _release(*python.split()) if python else None


@cache
def _release(python_version: str, machine: str) -> Release:
    """Once per process: every host and every step of a deploy means the same release, whoever edits meanwhile."""
    try:
        return build_release(python_version, CACHE, machine)
    except ReleaseError as error:
        raise OperationError(str(error)) from None


def upload(path: Path, to: str) -> FileUploadCommand:
    """The command that uploads a local file."""
    return FileUploadCommand(str(path.resolve()), to, remote_temp_filename=host.get_temp_filename())


def install_script(folder: str, work: str, wheel: str, install_from: str) -> str:
    """Shell that fills the release folder from what lies in `work`, and marks it complete."""
    source = "" if install_from == "index" else f"--no-index --find-links {work}/wheelhouse"
    steps = (
        "umask 022",
        f"python3 -m venv {folder}",
        f"{folder}/bin/{PIP_INSTALL} {source} --require-hashes --requirement {work}/requirements.txt",
        f"{folder}/bin/{PIP_INSTALL} --no-index {work}/{wheel}",
        f"cd {folder}",
        # nginx@web serves the watch page from a path without a Python version in it.
        "ln -sfn lib/python3*/site-packages/hooks_app/watch_assets watch",
        "test -e watch/index.html",
        f"touch {COMPLETE}",
        f"rm -rf {work}",
    )
    return " && ".join(steps)
