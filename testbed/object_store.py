"""The demo's object store: a real Swift on this machine, which the laboratory's host knows by a name of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from testbed.fault import TestbedError
from testbed.host import Host
from testbed.places import ROOT, cache_dir
from testbed.podman import last_line
from testbed.receiver import secrets_folder
from testbed.s3_server import Place

NAME, PORT, BUCKET = "store.test", 9986, "demo-recordings"
"""As specs/demo-archive.yaml has them. RFC 2606: nobody else has a name that ends with .test."""
SECRET = "archive"  # noqa: S105  (the credential's name)
READY_SECONDS = 120.0
"""The first time its programs are installed."""


def start(host: Host) -> None:
    """The store runs, the host knows its name, and the operator's folder has its key. Raises TestbedError."""
    stop()
    gateway = gateway_of(host)
    known = f"grep -q '{NAME}$' /etc/hosts || echo '{gateway} {NAME}' >>/etc/hosts"
    host.shell(known)
    log, keys = folder() / "serve.log", folder() / "keys.json"
    keys.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "testbed.swift", "serve", "--address", gateway, "--port", str(PORT)]
    argv += ["--keys", str(keys), "--bucket", BUCKET]
    with log.open("w") as out:
        process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    pid_file().write_text(str(process.pid))
    end = time.monotonic() + READY_SECONDS
    while "ready" not in log.read_text():
        if process.poll() is not None or time.monotonic() > end:
            raise TestbedError(f"testbed store: did not start: {last_line(log.read_text())}")
        time.sleep(0.05)
    secret = secrets_folder() / SECRET
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(place().secret + "\n")


def stop() -> None:
    """End it, and remove what was stored; nothing to end is fine. A foreign process is never touched."""
    if pid_file().exists():
        pid = int(pid_file().read_text())
        pid_file().unlink()
        if is_store(pid):
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + 15
            while is_store(pid) and time.monotonic() < end:
                time.sleep(0.05)
    shutil.rmtree(folder(), ignore_errors=True)


def place() -> Place:
    """Where it is, and its keys."""
    return Place(**json.loads((folder() / "keys.json").read_text()))


def sha256_of(key: str) -> str:
    """Of an object, read back from the store."""
    body = place().client().get_object(Bucket=BUCKET, Key=key)["Body"]
    digest = hashlib.sha256()
    for piece in body.iter_chunks(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def gateway_of(host: Host) -> str:
    """This machine's address as the host sees it: its default route (proc_net(5): little-endian hexadecimal)."""
    for line in host.run(["cat", "/proc/net/route"]).stdout.splitlines()[1:]:
        fields = line.split()
        if fields[1] == "00000000":
            return ".".join(str(byte) for byte in reversed(bytes.fromhex(fields[2])))
    raise TestbedError(f"testbed store: {host.name} has no default route")


def folder() -> Path:
    """What the store leaves on this machine."""
    made = cache_dir() / "demo-store"
    made.mkdir(mode=0o700, exist_ok=True)
    return made


def pid_file() -> Path:
    """Where its process id is kept for --down."""
    return cache_dir() / "demo-store.pid"


def is_store(pid: int) -> bool:
    """Whether a process is a store of the laboratory."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return b"testbed.swift" in Path(f"/proc/{pid}/cmdline").read_bytes() and state != "Z"
    except OSError:
        return False
