"""An ingest that takes publishers on a unix socket, and the remuxer in front of it: real FFmpeg, real nginx-rtmp."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

from tests.support.nginx_build import ROOT, built_nginx

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
        listen unix:{run}/rtmp.sock;
        application live {{
            live on;
            record all;
            record_path {run}/record;
            on_publish http://127.0.0.1:{hook_port}/publish;
            on_publish_done http://127.0.0.1:{hook_port}/publish_done;
            notify_method post;
        }}
    }}
}}
"""

PREAMBLE = b"HEADEND-SRT/1 slug=demo key=ab12cd34 mode=encrypted nonce=- peer=192.0.2.7:40000\n"


@dataclass(frozen=True)
class Hook:
    """One call of nginx-rtmp."""

    path: str
    fields: dict[str, str]
    time: float


@dataclass
class RemuxIngest:
    """A running ingest and what it has asked."""

    run: Path
    master_pid: int = 0
    hooks: list[Hook] = field(default_factory=list)
    refuses: bool = False

    @property
    def publish_socket(self) -> Path:
        """Where publishers come in."""
        return self.run / "rtmp.sock"

    @property
    def faults(self) -> Path:
        """The folder of reports."""
        return self.run / "faults"

    def fault(self) -> dict[str, object]:
        """The report on the stream demo, without its time."""
        document = dict(json.loads((self.faults / "demo.json").read_text()))
        document.pop("at")
        return document

    def recorded(self) -> Path:
        """What went on air, as FLV."""
        (path,) = (self.run / "record").glob("demo*.flv")
        return path

    def wait_on_air(self, seconds: float = 10) -> None:
        """Until something went on air; when on_publish is asked, the publisher has no answer yet."""
        deadline = time.monotonic() + seconds
        while not any(path.stat().st_size > 0 for path in (self.run / "record").glob("demo*.flv")):
            assert time.monotonic() < deadline, f"nothing on air within {seconds} s"
            time.sleep(0.005)

    def wait_for(self, call: str, seconds: float = 10) -> Hook:
        """The first call of this name; AssertionError if none comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for hook in self.hooks:
                if hook.path == f"/{call}":
                    return hook
            time.sleep(0.005)
        raise AssertionError(f"no {call} within {seconds} s")


@contextmanager
def remux_ingest() -> Iterator[RemuxIngest]:
    """Start nginx and a hook app in a folder of their own; all is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headend-remux-") as folder:
        run = Path(folder)
        run.chmod(0o755)
        with _running(RemuxIngest(run)) as ingest:
            yield ingest


@contextmanager
def _running(ingest: RemuxIngest) -> Iterator[RemuxIngest]:
    run = ingest.run
    for name in ("record", "faults"):
        (run / name).mkdir()
        # nginx's worker is nobody if we are root.
        (run / name).chmod(0o777)
    with _hook_app(ingest) as port:
        prefix = built_nginx()
        (run / "nginx.conf").write_text(CONFIGURATION.format(prefix=prefix, run=run, hook_port=port))
        argv = [f"{prefix}/sbin/nginx", "-p", str(run), "-c", f"{run}/nginx.conf"]
        with (run / "stderr").open("w") as stderr, subprocess.Popen(argv, stderr=stderr) as master:
            ingest.master_pid = master.pid
            try:
                _wait_until_it_listens(ingest)
                yield ingest
            finally:
                master.terminate()
                master.wait(10)


def _wait_until_it_listens(ingest: RemuxIngest) -> None:
    for _ in range(500):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(ingest.publish_socket))
            return
        time.sleep(0.02)
    raise RuntimeError(f"nginx did not start: {(ingest.run / 'stderr').read_text()}")


@contextmanager
def _hook_app(ingest: RemuxIngest) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            ingest.hooks.append(Hook(self.path, dict(parse_qsl(body)), time.monotonic()))
            self.send_response(403 if ingest.refuses and self.path == "/publish" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the parent's)
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@dataclass(frozen=True)
class Remuxer:
    """A running headend-remux and the connection that nginx@srt has to it."""

    process: subprocess.Popen[str]
    caller: socket.socket
    started: float

    def finish(self, seconds: float = 15) -> tuple[int, str]:
        """Its exit status and all that it said."""
        _, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, said


@contextmanager
def remuxer(ingest: RemuxIngest, preamble: bytes = PREAMBLE) -> Iterator[Remuxer]:
    """Start one with a connection of its own, the preamble sent; gone afterwards."""
    ours, theirs = socket.socketpair()
    argv = [sys.executable, "-m", "srt_remux", f"--publish-socket={ingest.publish_socket}"]
    argv += [f"--faults-dir={ingest.faults}", "--application=live"]
    started = time.monotonic()
    ours.sendall(preamble)
    with (
        ours,
        subprocess.Popen(
            argv, stdin=theirs.fileno(), stderr=subprocess.PIPE, text=True, cwd=ROOT, env={"PATH": os.environ["PATH"]}
        ) as process,
    ):
        theirs.close()
        try:
            yield Remuxer(process, ours, started)
        finally:
            # Its end ends its FFmpeg: the bridge is gone.
            process.kill()


@contextmanager
def sending(media: Path, to: Remuxer, *options: str, pace: str = "-re") -> Iterator[subprocess.Popen[bytes]]:
    """An encoder that sends a file as MPEG-TS at the pace of real time; its end does not end the caller."""
    argv = ["ffmpeg", "-nostdin", "-loglevel", "error", pace, *options, "-i", str(media), "-map", "0", "-c", "copy"]
    with subprocess.Popen(
        [*argv, "-flush_packets", "1", "-f", "mpegts", "pipe:1"], stdout=to.caller.fileno()
    ) as encoder:
        try:
            yield encoder
        finally:
            encoder.kill()
