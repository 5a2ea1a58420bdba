"""A real object store: OpenStack Swift with its S3 API, as four small processes.

`python -m testbed.swift serve --port 9000 --keys FILE [--bucket NAME]` runs one until it is told to end.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed.fault import TestbedError
from testbed.places import cache_dir
from testbed.s3_server import Place, Program, answers, free_ports, new_secret, wait_ready
from testbed.store_tools import store_tools

ACCOUNT, USER = "headend", "archive"
BACK = ("account", "container", "object")

PIPELINE = "catch_errors gatekeeper healthcheck listing_formats s3api tempauth copy slo dlo versioned_writes symlink"
"""`cache` needs a memcached and is left out; `symlink` is what versioned buckets need."""

FRONT = """[DEFAULT]
bind_ip = {address}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
log_level = WARNING
log_address = {folder}/no-syslog
[pipeline:main]
pipeline = {pipeline} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# A back server that was down is asked again at once.
error_suppression_interval = 0
[filter:s3api]
use = egg:swift#s3api
s3_acl = no
location = us-east-1
max_upload_part_num = 10000
# Long lists come in many answers.
max_bucket_listing = 20
max_parts_listing = 4
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
"""

FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "copy", "dlo", "symlink")

BEHIND = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
log_level = WARNING
log_address = {folder}/no-syslog
fallocate_reserve = {reserve}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

HASHES = """[swift-hash]
swift_hash_path_prefix = {prefix}
swift_hash_path_suffix = {suffix}
[storage-policy:0]
name = gold
default = yes
"""


RINGS = """
import pathlib, sys
from swift.common.ring import RingBuilder
for pair in sys.argv[2:]:
    name, port = pair.split("=")
    builder = RingBuilder(4, 1, 1)
    place = {"ip": "127.0.0.1", "port": int(port), "device": "d1"}
    builder.add_dev({**place, "region": 1, "zone": 1, "weight": 100.0, "replication_ip": "127.0.0.1",
                     "replication_port": int(port), "meta": ""})
    builder.rebalance()
    builder.get_ring().save(str(pathlib.Path(sys.argv[1]) / (name + ".ring.gz")))
"""
"""What swift-ring-builder does in nine runs."""


class Swift:
    """The store; a context manager that has it running. Its data go at the end unless the folder was given."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0, folder: Path | None = None) -> None:
        self.address = address
        self.port = port or free_ports(1, address)[0]
        self.given = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="swift-", dir=cache_dir()))
        self.place = Place(f"http://{address}:{self.port}", f"{ACCOUNT}:{USER}", new_secret())
        self.programs: dict[str, Program] = {}
        self._tools = store_tools()
        self._ports = dict(zip(BACK, free_ports(len(BACK)), strict=True))

    def __enter__(self) -> Self:
        try:
            self._lay_out()
            for name in BACK:
                self.start(name)
            self.start("proxy")
            wait_ready(
                "swift",
                list(self.programs.values()),
                lambda: (
                    all(answers("127.0.0.1", port, "/healthcheck") for port in self._ports.values())
                    and answers(self.address, self.port, "/healthcheck")
                ),
            )
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End its processes."""
        for program in self.programs.values():
            # What is kept was synced; what goes need not be.
            program.stop(signal.SIGTERM if self.given else signal.SIGKILL)
        if not self.given:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name: str, *, reserve: str = "0") -> None:
        """Start account, container, object or proxy; `reserve` is what has to stay free: 100% and the disk is full."""
        if name in BACK:
            words = {"name": name, "port": self._ports[name], "reserve": reserve}
            self._write(f"{name}-server.conf", BEHIND.format(**words, folder=self.folder, user=getpass.getuser()))
        argv = [str(self._tools / f"swift-{name}-server"), str(self.folder / f"{name}-server.conf"), "-v"]
        # Nothing of this process's environment: greendns would read the resolver's.
        environment = {"PATH": os.environ.get("PATH", ""), "EVENTLET_NO_GREENDNS": "yes", "PYTHONWARNINGS": "ignore"}
        self.programs[name] = Program(argv, self.folder / f"{name}.log", environment)

    def restart(self, name: str, *, reserve: str = "0") -> None:
        """Stop one of its servers, start it again, and wait until it answers."""
        self.programs[name].stop()
        self.start(name, reserve=reserve)
        address, port = (self.address, self.port) if name == "proxy" else ("127.0.0.1", self._ports[name])
        wait_ready(f"swift {name}", [self.programs[name]], lambda: answers(address, port, "/healthcheck"))

    def _lay_out(self) -> None:
        device = self.folder / "devices" / "d1"
        device.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        try:
            os.setxattr(device, "user.headend", b"1")
        except OSError as error:
            raise TestbedError(
                f"testbed swift {self.folder}: no extended attributes: {error.strerror}. Use ext4 or xfs"
            ) from None
        hashes = self.folder / "swift.conf"
        if not hashes.exists():
            self._write("swift.conf", HASHES.format(prefix=secrets.token_hex(8), suffix=secrets.token_hex(8)))
        front = FRONT.format(
            address=self.address,
            port=self.port,
            user=getpass.getuser(),
            folder=self.folder,
            pipeline=PIPELINE,
            account=ACCOUNT,
            name=USER,
            secret=self.place.secret,
        )
        self._write("proxy-server.conf", front + "".join(f"[filter:{one}]\nuse = egg:swift#{one}\n" for one in FILTERS))
        self._rings()

    def _rings(self) -> None:
        argv = [str(self._tools / "python"), "-c", RINGS, str(self.folder)]
        argv += [f"{name}={port}" for name, port in self._ports.items()]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or ["failed without a word"]
            raise TestbedError(f"testbed swift {self.folder}: no rings: {words[-1]}. Remove the folder, and try again")

    def _write(self, name: str, text: str) -> None:
        with open(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)


def main() -> int:
    """Serve until SIGTERM or SIGINT. Prints one line when ready, without the secret."""
    parser = argparse.ArgumentParser(prog="python -m testbed.swift", description=__doc__)
    serve = parser.add_subparsers(dest="verb", required=True).add_parser("serve", help="run a store until told to end")
    serve.add_argument("--address", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=0, help="0: one that is free")
    serve.add_argument("--folder", type=Path, help="keep its data there; without it they go at the end")
    serve.add_argument("--keys", type=Path, required=True, help="write endpoint and keys to this file, mode 0600")
    serve.add_argument("--bucket", help="make this bucket")
    given = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        with Swift(given.address, given.port, given.folder) as store:
            if given.bucket:
                with contextlib.suppress(store.place.client().exceptions.BucketAlreadyOwnedByYou):
                    store.place.client().create_bucket(Bucket=given.bucket)
            store.place.keep(given.keys)
            print(f"ready {store.place.endpoint}", flush=True)
            over.wait()
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
