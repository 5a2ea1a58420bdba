"""Is what a real nginx-rtmp records of a real publisher joined without a gap?"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.finishing import decodes, film_of, moved, same_frames
from tests.support.flv import AUDIO, VIDEO, Message, frames
from tests.support.ingest_nginx import free_port
from tests.support.nginx_build import built_nginx

pytestmark = pytest.mark.host

CONFIGURATION = """
load_module {prefix}/modules/ngx_rtmp_module.so;
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/error.log warn;
events {{ worker_connections 64; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        application live {{
            live on;
            record all;
            record_path {run}/record;
            record_suffix -%s-17-1.flv;
            record_interval 3s;
            record_lock on;
        }}
    }}
}}
"""


class Ingest:
    """A running nginx-rtmp that records."""

    def __init__(self, run: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.run = run
        self.url = f"rtmp://127.0.0.1:{port}/live/demo"
        self.process = process

    def publish(self, film: Path, seconds: int) -> None:
        """Send a film in its own time."""
        argv = ["ffmpeg", "-nostdin", "-v", "error", "-re", "-i", str(film), "-t", str(seconds), "-c", "copy"]
        subprocess.run([*argv, "-f", "flv", self.url], check=True)

    def parts(self, folder: Path) -> list[str]:
        """Move what was recorded to a recording's folder; the names, numbered as our nginx numbers them."""
        names = []
        for number, path in enumerate(sorted((self.run / "record").iterdir()), start=1):
            names.append(f"{path.stem.removesuffix('-1')}-{number}.flv")
            path.rename(folder / names[-1])
        return names


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    """An nginx-rtmp that ends a part every three seconds."""
    with tempfile.TemporaryDirectory(prefix="headend-record-", dir="/var/tmp") as name:
        run = Path(name)
        run.chmod(0o755)
        (run / "record").mkdir()
        # nginx's worker is nobody if we are root.
        (run / "record").chmod(0o777)
        prefix, port = built_nginx(), free_port()
        (run / "nginx.conf").write_text(CONFIGURATION.format(prefix=prefix, run=run, port=port))
        argv = [f"{prefix}/sbin/nginx", "-p", str(run), "-c", f"{run}/nginx.conf"]
        with subprocess.Popen(argv, stderr=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                while not (run / "nginx.pid").exists():
                    time.sleep(0.05)
                yield Ingest(run, port, process)
            finally:
                process.terminate()


def test_a_publishers_parts_are_joined_without_a_gap(
    ingest: Ingest, folder: Path, shown: list[Message], film: Path
) -> None:
    ingest.publish(film, 15)
    parts = ingest.parts(folder)
    assert len(parts) >= 3
    recorded = [one for name in parts for one in frames([folder / name], VIDEO) + frames([folder / name], AUDIO)]
    made = film_of(folder, parts)
    same_frames(made, recorded)
    # As the publisher meant it: the first frames of the film, none missing at a joint.
    sent = [one for one in shown if one.is_frame]
    begun = [
        one
        for kind in (VIDEO, AUDIO)
        for one in [frame for frame in sent if frame.kind == kind][
            : len([1 for frame in recorded if frame.kind == kind])
        ]
    ]
    same_frames(made, begun)
    times = [time for track in moved(made, begun).values() for time in track]
    assert max(times) - min(times) < 5
    decodes(made)


def test_a_killed_ingest_leaves_a_film(ingest: Ingest, folder: Path, film: Path) -> None:
    argv = ["ffmpeg", "-nostdin", "-v", "quiet", "-re", "-i", str(film), "-c", "copy", "-f", "flv", ingest.url]
    with subprocess.Popen(argv) as publisher:
        time.sleep(9)
        # Master and worker at once: nobody closes the file.
        os.killpg(ingest.process.pid, signal.SIGKILL)
        publisher.wait(30)
    made = film_of(folder, ingest.parts(folder))
    decodes(made)
