"""The publishing process (testbed/publish.py) as seen by whoever starts it: events to wait for, and a clean end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.fault import TestbedError
from testbed.places import ROOT
from testbed.podman import last_line

PROGRAM = "testbed.publish"
STOP_SECONDS = 6.0


@dataclass(slots=True)
class Publisher:
    """A running encoder. It outlives the process that started it."""

    process: subprocess.Popen[bytes]
    log: Path
    """Its events, one JSON object per line; never the key."""

    @classmethod
    def start(cls, film: Path, url: str, log: Path, reconnect: float | None = None) -> Publisher:
        """Start publishing `film`; the URL goes through a pipe, so that the key is in no argument list."""
        argv = [sys.executable, "-m", PROGRAM, str(film)]
        argv += [] if reconnect is None else ["--reconnect", str(reconnect)]
        reader, writer = os.pipe()
        with log.open("w") as events, open(reader) as stdin:
            process = subprocess.Popen(
                argv, cwd=ROOT, stdin=stdin, stdout=events, stderr=subprocess.STDOUT, start_new_session=True
            )
        with open(writer, "w") as pipe:
            pipe.write(json.dumps({"url": url}) + "\n")
        return cls(process, log)

    @property
    def pid(self) -> int:
        """Process id on this machine."""
        return self.process.pid

    def events(self) -> list[dict[str, Any]]:
        """What it has reported so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def on_air(self) -> bool:
        """Whether a server has ever let it in."""
        return any(one["event"] == "publishing" for one in self.events())

    def wait(self, event: str, seconds: float = 30.0) -> dict[str, Any]:
        """The first event of this name; raises TestbedError with the encoder's own reason if it ends before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ended = self.process.poll() is not None
            for one in self.events():
                if one["event"] == event:
                    return one
            if ended:
                raise TestbedError(f"testbed publish: {self.reason()}")
            time.sleep(0.01)
        raise TestbedError(f"testbed publish: not {event} after {seconds:.0f} s: {self.reason()}")

    def reason(self) -> str:
        """Its latest word about why it is not on air."""
        reasons = [one["reason"] for one in self.events() if "reason" in one]
        return reasons[-1] if reasons else last_line(self.log.read_text())

    def stop(self) -> int:
        """End it as an operator would, with a goodbye to the server; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it without a goodbye."""
        self.process.kill()
        return self.process.wait()


def stop_left_over(pid_file: Path) -> bool:
    """End the encoder that an earlier run left behind; true if there was one. A foreign process is never touched."""
    if not pid_file.exists():
        return False
    pid = int(pid_file.read_text())
    pid_file.unlink()
    if not is_publisher(pid):
        return False
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while is_publisher(pid):
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return True


def is_publisher(pid: int) -> bool:
    """Whether this process is one of ours: ids are used again after a reboot."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return PROGRAM.encode() in argv and state != "Z"
