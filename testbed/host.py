"""A host of the laboratory: a bare Debian with systemd, reached by name."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.fault import TestbedError
from testbed.image import DEFAULT_RELEASE, ensure_image
from testbed.podman import SYSTEMD_FLAGS, podman, runtime

LABEL = "headend.testbed"

# Credentials of units (LoadCredential) are mounts that PID 1 must see appear: without a shared root they stay empty.
INIT = "mount --make-rshared /; exec /sbin/init"

BOOT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Host:
    """A container host by its short name; the name says nothing about whether it is up."""

    name: str

    @property
    def container(self) -> str:
        """Podman's name of it; pyinfra reaches it as @podman/<container>."""
        return f"headend-{self.name}"

    def running(self) -> bool:
        """Can programs be run on it?

        Asked by running one: podman calls a host running whose processes were killed together with the monitor that
        would have told it so.
        """
        return podman(["exec", self.container, "true"], check=False).returncode == 0

    def up(self, release: int = DEFAULT_RELEASE, publish: Sequence[str] = ()) -> None:
        """Start the host and wait until systemd has finished booting. Raises TestbedError if it is up already.

        What is left of a host that died makes room for it.
        """
        if self.running():
            raise TestbedError(f"testbed {self.name}: is up already. Stop it: python -m testbed down {self.name}")
        self.down()
        image = ensure_image(release)
        known = runtime(image)
        argv = [*known.engine, "run", "--detach", "--name", self.container, "--hostname", self.name]
        argv += ["--label", f"{LABEL}={self.name}", *SYSTEMD_FLAGS, *known.run]
        argv += [flag for port in publish for flag in ("--publish", loopback(port))]
        try:
            podman([*argv, image, "/bin/sh", "-c", INIT])
            self.wait_booted()
        except BaseException:
            self.down()
            raise

    def wait_booted(self) -> None:
        """Return when systemd says running or degraded; raises TestbedError after BOOT_SECONDS."""
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            state = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
            if state in ("running", "degraded"):
                return
            time.sleep(0.2)
        raise TestbedError(f"testbed {self.name}: systemd is still not up after {BOOT_SECONDS:.0f} s")

    def down(self) -> None:
        """Remove the host with everything in it; a host that is not there is down."""
        podman(["rm", "--force", "--ignore", "--volumes", "--time", "3", self.container])

    def run(
        self, argv: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout: float | None = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host as root; raises TestbedError if it fails and `check` is set."""
        keep_stdin = [] if stdin is None else ["--interactive"]
        argv = ["exec", *keep_stdin, self.container, *argv]
        return podman(argv, check=check, stdin=stdin, timeout=timeout)

    def shell(self, script: str, *, check: bool = True, timeout: float | None = 120) -> str:
        """Standard output of a shell script on the host."""
        return self.run(["sh", "-c", script], check=check, timeout=timeout).stdout

    def published(self) -> list[str]:
        """Ports of this machine that lead into the host, as `127.0.0.1:8080->8080/tcp`."""
        ports = json.loads(podman(["inspect", "--format", "{{json .NetworkSettings.Ports}}", self.container]).stdout)
        return [
            f"{bound['HostIp']}:{bound['HostPort']}->{inner}" for inner, outer in ports.items() for bound in outer or ()
        ]


def loopback(port: str) -> str:
    """`8080:8080/tcp` bound to 127.0.0.1; a port that names its address keeps it."""
    return port if port.count(":") > 1 else f"127.0.0.1:{port}"


def hosts() -> list[Host]:
    """Every host of the laboratory, running or stopped, by name."""
    listed = podman(["ps", "--all", "--filter", f"label={LABEL}", "--format", f'{{{{index .Labels "{LABEL}"}}}}'])
    return [Host(name) for name in sorted(listed.stdout.split())]


def running_hosts() -> list[Host]:
    """The hosts a deploy can reach now."""
    return [host for host in hosts() if host.running()]
