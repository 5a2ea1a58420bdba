"""The archiver as it is on a host, without a host: the real program, its catalogue in SQLite, and real folders."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from headend.model.facts import HookFacts, LadderFacts, RecordingFacts, RtmpFacts
from headend.model.recordings import Archive, Keep, Recordings
from hooks_app.database import Database
from testbed.places import ROOT
from tests.hooks_app.fakes import NOON, FakeClock
from tests.support.shelf import Shelf

MODULE = "hooks_app.archive"


@dataclass
class Installed:
    """Everything that a deploy leaves for it."""

    shelf: Shelf
    facts_file: Path
    credentials: Path
    archive: Archive

    def finished(self, client: int, size_bytes: int) -> int:
        """A recording whose video is made, of bytes that nothing can guess; its id."""
        recording_id = self.shelf.finished(client, size=size_bytes)
        data = random.Random(client).randbytes(size_bytes)
        (self.shelf.root / "kept" / str(recording_id) / "demo.mp4").write_bytes(data)
        with self.shelf.database.write() as db:
            for file in self.shelf.files(recording_id):
                if file.kind == "video":
                    db.merge(file).sha256 = hashlib.sha256(data).hexdigest()
        return recording_id

    def run(self, *argv: str) -> Running:
        """Start it: `run` by default."""
        return Running(self, argv or ("run",))


class Running:
    """A process of it, and what it tells systemd."""

    def __init__(self, installed: Installed, argv: tuple[str, ...]) -> None:
        folder = installed.facts_file.parent
        self.log = folder / "program.log"
        address = folder / "notify"
        address.unlink(missing_ok=True)
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._channel.bind(str(address))
        environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(installed.credentials), "NOTIFY_SOCKET": str(address)}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", MODULE, *argv, "--facts", str(installed.facts_file)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._channel.close()

    def told(self, words: str, seconds: float) -> bool:
        """Whether it tells systemd this, within so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._channel.settimeout(left)
            with contextlib.suppress(TimeoutError):
                if self._channel.recv(100).decode() == words:
                    return True
        return False

    def kill(self) -> bool:
        """SIGKILL; whether it was still running."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        return self.process.wait(30) == -signal.SIGKILL

    def end(self) -> int:
        """As systemd ends it; its exit status."""
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def installed(folder: Path, archive: Archive, secret: str, keep: Keep) -> Iterator[Installed]:
    """An empty origin of this host's name, that records and has no systemd."""
    url = f"sqlite:///{folder / 'state.sqlite3'}"
    database = Database(url)
    database.migrate()
    root, credentials, facts_file = folder / "recordings", folder / "credentials", folder / "archiver.json"
    credentials.mkdir(0o700)
    (credentials / "archive").write_text(f"{secret}\n")
    settings = Recordings(record=True, archive=archive, keep=keep, reserve_mib=16)
    facts = HookFacts(
        application="live",
        listen_host="127.0.0.1",
        listen_port=8090,
        database_url=url,
        media_root=str(folder / "media"),
        stat_url="http://127.0.0.1:8081/stat",
        control_url="http://127.0.0.1:8081/control",
        public_url="https://live.example.org",
        ladders=(LadderFacts(name="default", renditions=("720p",), segment_seconds=2, reconnect_grace_seconds=30),),
        streams=(),
        rtmp=RtmpFacts(public_host="live.example.org", port=1935),
        recordings=RecordingFacts(settings=settings, root=str(root), sweep_seconds=60),
    )
    facts_file.write_text(facts.model_dump_json())
    # Whatever is seeded was long ago.
    clock = FakeClock(elapsed=(datetime.now(UTC) - timedelta(days=7) - NOON).total_seconds())
    with Shelf.made(database, root, clock=clock, host=socket.gethostname()[:64]) as shelf:
        yield Installed(shelf, facts_file, credentials, archive)
    database.close()
