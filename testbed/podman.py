"""Podman as an argument list: the one place that runs it, and the flags that this machine's kernel needs."""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.fault import TestbedError
from testbed.places import cache_dir

LIMIT_CEILING = 1_048_576
"""Open files and processes that podman gives a container by default."""

SYSTEMD_FLAGS = ("--systemd=always", "--privileged")
"""Without --privileged sandboxed units fail in their mount namespaces, and polkit with them."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Flags that start a container here: `engine` go before podman's verb, `run` after `podman run`."""

    engine: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


def podman(
    argv: Sequence[str], *, check: bool = True, stdin: str | None = None, timeout: float | None = 300
) -> subprocess.CompletedProcess[str]:
    """Run podman and return its output; raises TestbedError with podman's last line."""
    try:
        done = subprocess.run(
            ["podman", *argv],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except FileNotFoundError:
        raise TestbedError("testbed podman: not installed. Run ./run demo once, or apt-get install podman") from None
    except subprocess.TimeoutExpired:
        raise TestbedError(f"testbed podman: `{' '.join(argv[:2])}` took longer than {timeout} s. Try again") from None
    if check and done.returncode != 0:
        raise TestbedError(f"testbed podman {' '.join(argv[:2])}: {last_line(done.stderr)}")
    return done


def last_line(text: str) -> str:
    """The last line of a program's complaint, which is where podman puts the reason."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "failed without a word"


def candidates() -> Iterator[Runtime]:
    """What to try, the machine's own defaults first."""
    yield Runtime()
    # Podman asks for more files and processes than a caller without CAP_SYS_RESOURCE may give.
    files, processes = own_limit(resource.RLIMIT_NOFILE), own_limit(resource.RLIMIT_NPROC)
    # Before it starts a container podman lowers its own process limit to the kernel's highest process id.
    processes = min(processes, int(Path("/proc/sys/kernel/pid_max").read_text()))
    flags = ("--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={processes}:{processes}")
    yield Runtime(run=flags)
    # crun refuses hybrid cgroup hierarchies that runc still takes.
    yield Runtime(engine=("--runtime", "runc"), run=flags)


def own_limit(number: int) -> int:
    """This process's hard limit; podman's own default where there is none."""
    hard = resource.getrlimit(number)[1]
    return LIMIT_CEILING if hard == resource.RLIM_INFINITY else hard


def runtime(image: str) -> Runtime:
    """The first runtime that starts `image` here, tried once per machine and remembered in the cache."""
    memory = cache_dir() / "runtime.json"
    if memory.exists():
        known = json.loads(memory.read_text())
        return Runtime(tuple(known["engine"]), tuple(known["run"]))
    complaint = ""
    for candidate in candidates():
        argv = [*candidate.engine, "run", "--rm", "--network=none", *SYSTEMD_FLAGS, *candidate.run, image, "/bin/true"]
        done = podman(argv, check=False)
        if done.returncode == 0:
            memory.write_text(json.dumps(asdict(candidate)))
            return candidate
        complaint = last_line(done.stderr)
    raise TestbedError(f"testbed podman: no privileged container starts here: {complaint}")
