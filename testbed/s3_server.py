"""What every object store of the laboratory has: an address, keys, processes that are ended by their number."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.fault import TestbedError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

READY_SECONDS = 30.0
"""It takes three; a machine that is busy with other things gets ten times as many."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is, and who may write there."""

    endpoint: str
    access_key_id: str
    secret: str = field(repr=False)
    region: str = "us-east-1"

    def client(self, **options: Any) -> S3Client:
        """A plain client of it, for whoever looks from outside."""
        import boto3
        from botocore.config import Config

        config = Config(s3={"addressing_style": "path"}, response_checksum_validation="when_required", **options)
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret,
            config=config,
        )

    def keep(self, file: Path) -> None:
        """Write it down, for the owner's eyes only."""
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            os.fchmod(out.fileno(), 0o600)
            json.dump(asdict(self), out)


def new_secret() -> str:
    """A secret key, new with every start."""
    return secrets.token_hex(20)


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Ports that nobody had a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((address, 0))
        return [int(one.getsockname()[1]) for one in sockets]


class Program:
    """One server process; what it says goes to a file."""

    def __init__(self, argv: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, and wait until it has ended."""
        if self.alive():
            self._process.send_signal(number)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line that it said."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing"


def answers(address: str, port: int, path: str) -> bool:
    """Whether an HTTP server there answers at all, and without a fault of its own."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def wait_ready(what: str, programs: Sequence[Program], ready: Callable[[], bool]) -> float:
    """Wait until it is ready; returns the seconds. Raises TestbedError when a program ended, or after half a minute."""
    began = time.monotonic()
    while not ready():
        for program in programs:
            if not program.alive():
                raise TestbedError(f"testbed {what}: ended at once: {program.last_words()}. See {program.log}")
        if time.monotonic() - began > READY_SECONDS:
            raise TestbedError(f"testbed {what}: not ready after {READY_SECONDS:.0f} s. See {programs[0].log}")
        time.sleep(0.05)
    return time.monotonic() - began
