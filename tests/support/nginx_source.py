"""nginx's source as Debian's releases have it, unpacked once: to build our module with options of our own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.nginx_build import ROOT

CACHE = ROOT / ".cache" / "nginx-source"

STANZA = """Types: deb-src
URIs: {uri}
Suites: {release}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def nginx_source(release: str) -> Path:
    """The source tree of a Debian release's nginx; not to be built in. Leaves the machine's own apt lists alone."""
    CACHE.mkdir(parents=True, exist_ok=True)
    tree = CACHE / release
    with (CACHE / "lock").open("w") as lock, tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            archive = _fetch(release, Path(folder))
            new = CACHE / f"{release}.{os.getpid()}"
            new.mkdir()
            subprocess.run(["tar", "-xf", archive, "-C", new, "--strip-components=1"], check=True)
            new.rename(tree)
    return tree


def _fetch(release: str, folder: Path) -> Path:
    folder.chmod(0o755)
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "headend.sources").write_text(STANZA.format(uri=_mirror(), release=release))
    own = ["-o", f"Dir::Etc::sourcelist={folder}/headend.sources", "-o", "Dir::Etc::sourceparts=/dev/null"]
    own += ["-o", f"Dir::State::lists={folder}/lists", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
    subprocess.run(["apt-get", *own, "-q", "update"], check=True, capture_output=True)
    target = folder / "source"
    target.mkdir()
    if os.getuid() == 0:
        shutil.chown(target, "_apt")
    fetch = ["apt-get", *own, "-q", "source", "--only-source", "--tar-only", "nginx"]
    subprocess.run(fetch, cwd=target, check=True, capture_output=True)
    (archive,) = target.glob("*.orig.tar.*")
    return archive


def _mirror() -> str:
    """Where this machine gets Debian's main suite from."""
    argv = [
        "apt-get",
        "indextargets",
        "--format",
        "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)",
        "Created-By: Packages",
    ]
    lines = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    return next(
        uri
        for origin, component, suite, uri in (line.split("|") for line in lines)
        if (origin, component) == ("Debian", "main") and "-" not in suite
    )
