"""A small web site around the built watch page: an API whose answer a test sets, and real HLS made by ffmpeg."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SLUG = "main"
# The strictest policy that the page needs (docs/guide/watch.md); nginx@web may not have to send a wider one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
MASTER = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2"
360p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=320x180,CODECS="avc1.4d400d,mp4a.40.2"
180p/index.m3u8
"""


class Site:
    """Serves on a free loopback port until closed. `state` is what the API says; None: the API is down."""

    def __init__(self, page: Path, media: Path) -> None:
        self.state: str | None = "offline"
        self.title = "Evening show"
        self.known = True
        self.started_at: str | None = None
        self.replays: list[str] = []
        self.policy = POLICY
        self.requests: list[str] = []
        self.page = page
        self.media = media
        self._encoder: subprocess.Popen[bytes] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site=self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        for rendition in ("360p", "180p"):
            (media / rendition).mkdir(parents=True)
        (media / "index.m3u8").write_text(MASTER)

    def encode(self) -> None:
        """Start the encoder and wait until both renditions are playable."""
        before = time.time()
        self.started_at = datetime.fromtimestamp(before, UTC).isoformat()
        self._encoder = subprocess.Popen(_encoder_argv(self.media), stdin=subprocess.DEVNULL)
        deadline = before + 20
        while not all(self._is_fresh(self.media / name / "index.m3u8", before) for name in ("360p", "180p")):
            assert time.time() < deadline, "the encoder wrote no playlist"
            time.sleep(0.05)

    def record(self, name: str) -> str:
        """Make a short film as the finisher does; its address."""
        argv = ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
        argv += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "3", "-c:v", "libx264"]
        argv += ["-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"]
        subprocess.run([*argv, str(self.media / name)], check=True)
        return f"{self.url}/streams/{SLUG}/{name}"

    def kill_encoder(self) -> None:
        """As a crash does it: SIGKILL, nothing is finished."""
        if self._encoder:
            self._encoder.kill()
            self._encoder.wait()
            self._encoder = None

    def close(self) -> None:
        self.kill_encoder()
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _is_fresh(playlist: Path, since: float) -> bool:
        return playlist.is_file() and playlist.stat().st_mtime > since

    def api(self, slug: str) -> tuple[int, dict[str, Any]]:
        """Status and body of GET /api/v1/streams/<slug>."""
        if self.state is None:
            return 502, {}
        if slug != SLUG or not self.known:
            return 404, {"title": "Not Found", "status": 404}
        session = {"started_at": self.started_at} if self.started_at else None
        event = {"replays": [{"url": url} for url in self.replays]}
        return 200, {"slug": slug, "title": self.title, "state": self.state, "session": session, "event": event}


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
    }

    def __init__(self, *args: Any, site: Site) -> None:
        self.site = site
        super().__init__(*args)

    def do_GET(self) -> None:
        self.site.requests.append(self.path)
        if self.path.startswith("/api/v1/streams/"):
            status, body = self.site.api(urlsplit(self.path).path.rsplit("/", 1)[1])
            self._send_json(status, body)
        else:
            super().do_GET()

    def _send_json(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status == 404 else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def end_headers(self) -> None:
        if self.path.startswith("/watch/"):
            self.send_header("Content-Security-Policy", self.site.policy)
        super().end_headers()

    def translate_path(self, path: str) -> str:
        """Map an address as nginx@web does."""
        path = urlsplit(path).path
        if path.startswith("/watch/assets/"):
            return str(self.site.page / "assets" / Path(path).name)
        if path.startswith("/watch/"):
            return str(self.site.page / "index.html")
        return str(self.site.media / path.removeprefix(f"/streams/{SLUG}/"))

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def _encoder_argv(media: Path) -> list[str]:
    """Two renditions with sound, one-second segments, playlists that continue after a restart."""
    run = time.time_ns() // 1000
    argv = ["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"]
    argv += ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    for name, height, profile in (("360p", 360, "3.0"), ("180p", 180, "1.3")):
        argv += ["-map", "0:v", "-map", "1:a", "-vf", f"scale=-2:{height},format=yuv420p"]
        argv += ["-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "main", "-level", profile]
        argv += ["-g", "25", "-sc_threshold", "0", "-b:v", "300k", "-c:a", "aac", "-b:a", "64k"]
        argv += ["-f", "hls", "-hls_time", "1", "-hls_list_size", "8", "-hls_delete_threshold", "8"]
        argv += [
            "-hls_flags",
            "append_list+discont_start+omit_endlist+program_date_time+independent_segments+temp_file",
        ]
        argv += ["-hls_segment_filename", str(media / name / f"{run}-%05d.ts"), str(media / name / "index.m3u8")]
    return argv
