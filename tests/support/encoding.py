"""The shipped encoder script between a real ingest nginx and a real publisher, on loopback and without systemd."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from headend.layout import Layout
from headend.model.ladder import Ladder
from headend.model.spec import Ingest, Site, Spec, Stream
from tests.support.ingest_nginx import free_port
from tests.support.nginx_build import built_nginx
from tests.support.rendered import layout_in, place

SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
SEND_VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "60", "-b:v", "1M"]
SEND_SOUND = ["-c:a", "aac", "-b:a", "96k"]


class Yes(BaseHTTPRequestHandler):
    """Lets every publisher in: who may publish is the hook app's question, not the encoder's."""

    def do_POST(self) -> None:
        """Answer 200, as the hook app does for a valid key."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the parent's)
        """Say nothing."""


@dataclass(frozen=True)
class Studio:
    """A running ingest for one stream named demo."""

    layout: Layout
    rtmp_port: int

    @property
    def media(self) -> Path:
        """Folder of the stream."""
        return Path(self.layout.media_root, "hls", "demo")

    @property
    def script(self) -> str:
        """The encoder script as it is shipped."""
        return f"{self.layout.config_dir}/streams/demo/encode"

    @contextmanager
    def encoder(self) -> Iterator[subprocess.Popen[str]]:
        """The shipped script, attached to the stream and waiting; gone afterwards."""
        with subprocess.Popen([self.script], stderr=subprocess.PIPE, text=True) as process:
            try:
                self.wait_attached()
                yield process
            finally:
                process.kill()

    def wait_attached(self) -> None:
        """Return when an encoder waits for the stream."""
        url = f"http://127.0.0.1:{self.layout.stat_port}/stat"
        for _ in range(200):
            with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
                if b"<flashver>" in answer.read():
                    return
            time.sleep(0.02)
        raise AssertionError("the encoder did not attach within 4 s")

    def publish(self, seconds: float, *, sound: bool = True, size: str = "640x360") -> subprocess.Popen[bytes]:
        """A publisher that sends a test picture at the pace of real time and leaves."""
        argv = [
            "ffmpeg",
            "-nostdin",
            "-loglevel",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=size={size}:rate=30,format=yuv420p",
        ]
        argv += SOUND if sound else []
        argv += ["-t", str(seconds), *SEND_VIDEO, *(SEND_SOUND if sound else [])]
        return subprocess.Popen([*argv, "-f", "flv", f"rtmp://127.0.0.1:{self.rtmp_port}/live/demo"])


@contextmanager
def studio(ladder: Ladder) -> Iterator[Studio]:
    """An ingest nginx with the rendered configuration, for a stream with this ladder."""
    spec = Spec(
        site=Site(public_url="https://live.example.org"),
        ladders={"default": ladder},
        streams=(Stream(slug="demo", title="Demo"),),
        ingest=Ingest(rtmp_port=free_port()),
    )
    with tempfile.TemporaryDirectory(prefix="headend-studio-") as folder:
        Path(folder).chmod(0o755)
        layout = layout_in(Path(folder))
        place(spec, layout, ("ingest", "web"), built_nginx())
        with _hook_app(layout.hooks_port), _nginx(layout):
            yield Studio(layout, spec.ingest.rtmp_port)


@contextmanager
def _hook_app(port: int) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", port), Yes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


@contextmanager
def _nginx(layout: Layout) -> Iterator[None]:
    program = f"{layout.prefix}/nginx/current/sbin/nginx"
    argv = [program, "-e", "stderr", "-c", f"{layout.config_dir}/nginx/ingest.conf", "-g", "daemon off;"]
    with subprocess.Popen(argv) as process:
        try:
            yield
        finally:
            process.terminate()
