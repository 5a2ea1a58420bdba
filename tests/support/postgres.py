"""A real PostgreSQL for one test session: the distribution's own server, in a folder of its own, over a unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

USER = "postgres"
_NUMBERS = count(1)
# The machine does not fail in these tests, and a server that is killed has its commits in the kernel's cache.
_FAST = ("fsync=off", "full_page_writes=off", "max_connections=60", "listen_addresses=")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that runs; the postmaster's pid ends it."""

    folder: Path
    bin: Path

    def url(self, name: str) -> str:
        """SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    def sql(self, statement: str) -> None:
        """Run a statement as the superuser."""
        argv = [f"{self.bin}/psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", USER, "-c", statement]
        subprocess.run(argv, check=True, capture_output=True, text=True)

    def copy_of(self, template: str) -> str:
        """A fresh database with everything of another; its name."""
        name = f"test_{os.getpid()}_{next(_NUMBERS)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._control(
            "start", "-w", "-o", " ".join(f"-c {one}" for one in (*_FAST, f"unix_socket_directories={self.folder}"))
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop it at once."""
        self._control("stop", "-m", mode)

    def _control(self, verb: str, *more: str) -> None:
        argv = [f"{self.bin}/pg_ctl", verb, "-s", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", *more]
        _as_postgres(argv)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server; gone afterwards with all of its data."""
    folder = Path(tempfile.mkdtemp(prefix="headend-pg-"))
    server = Postgres(folder, binaries())
    try:
        shutil.chown(folder, *([USER, USER] if os.geteuid() == 0 else [os.geteuid()]))
        _as_postgres([f"{server.bin}/initdb", "-D", f"{folder}/data", "-U", USER, "-A", "trust", "-N", "-E", "UTF8"])
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def binaries() -> Path:
    """Where Debian puts the newest server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("no PostgreSQL on this machine. Install it: apt-get install postgresql")
    return found[-1].parent


def _as_postgres(argv: list[str]) -> None:
    # PostgreSQL refuses to run as root.
    who = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*who, *argv], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {done.stderr or done.stdout}")
