"""The base image: a minimal Debian with systemd, made from the distribution's own packages by mmdebstrap."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed.apt import apt_options, sources
from testbed.fault import TestbedError
from testbed.podman import last_line, podman

RELEASES = {12: "bookworm", 13: "trixie"}
DEFAULT_RELEASE = 12

# What a Debian server has before anybody asks it for something; nothing that a deploy is there to install.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "ca-certificates", "iproute2", "procps")

# A privileged container shares the kernel: units that would set it up are the outer machine's business. The apt timers
# would take dpkg's lock in the middle of a test.
MASKED_UNITS = (
    "systemd-modules-load.service",
    "systemd-sysctl.service",
    "systemd-firstboot.service",
    "systemd-remount-fs.service",
    "dev-hugepages.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-fs-fuse-connections.mount",
    "console-getty.service",
    "getty.target",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
)


def codename(release: int) -> str:
    """Debian's name of a release number; raises TestbedError for a release that is not offered."""
    if release not in RELEASES:
        offered = ", ".join(map(str, RELEASES))
        raise TestbedError(f"testbed --debian: {release} is not offered. Choose one of {offered}")
    return RELEASES[release]


def ensure_image(release: int = DEFAULT_RELEASE) -> str:
    """Name of the image of this Debian release, built now if this recipe was never built here."""
    suite = codename(release)
    apt_sources, options = sources(suite), apt_options()
    recipe = repr((suite, PACKAGES, MASKED_UNITS, apt_sources, options))
    name = f"localhost/headend-testbed:{release}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if podman(["image", "exists", name], check=False).returncode != 0:
        with TemporaryDirectory(prefix="headend-image-") as folder:
            tar = bootstrap(suite, apt_sources, options, Path(folder))
            podman(["import", "--quiet", str(tar), name])
    return name


def bootstrap(suite: str, apt_sources: str, options: str, folder: Path) -> Path:
    """Make a root file system as a tar file inside `folder`; about 25 s."""
    tar, conf = folder / "root.tar", folder / "90machine"
    conf.write_text(options)
    masks = " ".join(f"/etc/systemd/system/{unit}" for unit in MASKED_UNITS)
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    argv += ['--aptopt=Acquire::Retries "3"']
    argv += [f"--aptopt={conf}"] if options else []
    argv += [f'--customize-hook=for unit in {masks}; do ln -sf /dev/null "$1$unit"; done']
    argv += [suite, str(tar)]
    if apt_sources:
        listed = folder / "debian.sources"
        listed.write_text(apt_sources)
        argv.append(str(listed))
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise TestbedError(f"testbed image {suite}: `{shlex.join(argv[:1])}` said: {last_line(done.stderr)}")
    return tar
