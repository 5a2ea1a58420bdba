"""An ingest nginx of our own build on free loopback ports, without systemd: for tests that send it hostile packets."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.rtmp import DATA, VIDEO, RtmpClient, command

CONFIGURATION = """
load_module {prefix}/modules/ngx_rtmp_module.so;
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/error.log warn;
events {{ worker_connections 512; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{rtmp_port};
        application live {{ live on; idle_streams on; {application} }}
    }}
}}
http {{
    access_log off;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    server {{
        listen 127.0.0.1:{http_port};
        location /stat {{ rtmp_stat all; }}
    }}
}}
"""

# For a build with sanitizers, ignored by any other: nginx and its module each have a table of the same name by design,
# and what a process still holds when it ends is no leak.
SANITIZER = {"ASAN_OPTIONS": "detect_odr_violation=0:detect_leaks=0"}


@dataclass(frozen=True)
class Ingest:
    """A running ingest."""

    rtmp_port: int
    http_port: int
    master_pid: int
    run: Path

    def worker_pids(self) -> list[int]:
        """Children of the master: one, and always the same one unless it died."""
        children = Path(f"/proc/{self.master_pid}/task/{self.master_pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def stat(self) -> str:
        """nginx-rtmp's stat page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/stat", timeout=5) as answer:
            return str(answer.read().decode())

    def errors(self) -> str:
        """What the server has logged at level warn and above."""
        return (self.run / "error.log").read_text(errors="replace")

    def reports(self) -> str:
        """What a sanitizer has printed; nothing in a normal build."""
        # nginx puts its standard error on the error log once it has read its configuration.
        text = (self.run / "stderr").read_text(errors="replace") + self.errors()
        return text if "Sanitizer" in text or "runtime error" in text else ""

    def client(self) -> RtmpClient:
        """A client past its handshake."""
        return RtmpClient(self.rtmp_port).handshake()


def free_port() -> int:
    """A TCP port of loopback that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_ingest(prefix: Path, application: str = "") -> Iterator[Ingest]:
    """Start the nginx under `prefix` with one RTMP application named live, and end it again."""
    with tempfile.TemporaryDirectory(prefix="headend-ingest-") as folder:
        run = Path(folder)
        run.chmod(0o755)
        ports = {"rtmp_port": free_port(), "http_port": free_port()}
        text = CONFIGURATION.format(prefix=prefix, run=run, application=application, **ports)
        (run / "nginx.conf").write_text(text)
        argv = [f"{prefix}/sbin/nginx", "-p", folder, "-c", f"{folder}/nginx.conf"]
        with (run / "stderr").open("w") as stderr, subprocess.Popen(argv, stderr=stderr, env=SANITIZER) as master:
            try:
                ingest = Ingest(master_pid=master.pid, run=run, **ports)
                _wait_until_it_serves(ingest)
                yield ingest
            finally:
                master.terminate()
                master.wait(10)


def _wait_until_it_serves(ingest: Ingest) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            ingest.stat()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nginx did not start: {(ingest.run / 'stderr').read_text()}")


@contextmanager
def live_publisher(ingest: Ingest, name: str = "bystander") -> Iterator[RtmpClient]:
    """A publisher that sends a frame every 50 ms until the end; its socket breaks if the worker dies."""
    with ingest.client() as client:
        client.connect()
        client.publish(name)
        client.send(DATA, command("@setDataFrame", "onMetaData", {"width": 640, "height": 360}), msid=1)
        over = threading.Event()
        thread = threading.Thread(target=_send_frames, args=(client, over), daemon=True)
        thread.start()
        try:
            yield client
        finally:
            over.set()
            thread.join()


def _send_frames(client: RtmpClient, over: threading.Event) -> None:
    timestamp = 0
    while not over.wait(0.05):
        try:
            client.send(VIDEO, b"\x17\x01\x00\x00\x00" + bytes(64), csid=6, msid=1, timestamp=timestamp)
        except OSError:
            return
        timestamp += 50
