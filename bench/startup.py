"""How long a publisher waits until viewers can play: ours against the plan's own nginx configuration, in turns.

Ours is the running demo host (./run demo): every rendition must have a new segment that downloads. The reference is
section 5.1 of the integration plan on the same host and nginx build, changed only where it must be: paths and
ports are others, `reuseport` and the `srt_server` block are left out because nginx-rtmp knows neither, and its hooks
because there is no site to answer them. It needs one media playlist with one segment that downloads.

With --srt ours publishes over SRT, encrypted, and is measured alone: the plan's configuration has nothing that answers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.report import table, verdict
from testbed.clip import demo_clip
from testbed.demo import DEMO, pid_file
from testbed.fault import TestbedError
from testbed.host import Host
from testbed.origin import Origin
from testbed.podman import podman
from testbed.publisher import Publisher, stop_left_over
from testbed.viewer import POLL_SECONDS, Viewer

PROMISED_SECONDS = 2.0
PROMISED_SRT_SECONDS = 2.3
PROMISED_PART = 0.4
"""Of the reference's time."""

FOLDER = "/tmp/headend-bench"  # noqa: S108 (on a throwaway host, made and removed by us)
RTMP_PORT, HTTP_PORT = 11935, 18180
NGINX = "/opt/headend/nginx/current"
REFERENCE_TIMEOUT = 30.0
SETTLE_SECONDS = 1.0

REFERENCE = f"""
load_module {NGINX}/modules/ngx_rtmp_module.so;
user root;
pid {FOLDER}/nginx.pid;
error_log {FOLDER}/error.log;
events {{}}
rtmp {{
    server {{
        listen {RTMP_PORT};
        chunk_size 4096;

        application live {{
            live on;
            record off;
            allow publish 127.0.0.1;
            allow publish 10.0.0.0/8;
            deny publish all;

            hls on;
            hls_path {FOLDER}/hls;
            hls_fragment 4s;
            hls_playlist_length 24s;
            hls_variant _1080p bandwidth=3500000;
            hls_variant _720p  bandwidth=2000000;
            hls_variant _480p  bandwidth=1000000;

            exec /usr/bin/ffmpeg -i rtmp://localhost:{RTMP_PORT}/live/$name
                -c:v libx264 -preset veryfast -g 48 -sc_threshold 0
                -map 0:v -map 0:a -c:a aac -b:a 128k
                -f hls -hls_time 4 -hls_playlist_type event
                -hls_segment_filename {FOLDER}/hls/$name/%03d.ts
                {FOLDER}/hls/$name/index.m3u8;
        }}
    }}
}}
http {{
    access_log off;
    client_body_temp_path {FOLDER}/body;
    proxy_temp_path {FOLDER}/proxy;
    server {{
        listen {HTTP_PORT};
        location /streams/ {{
            alias {FOLDER}/hls/;
            add_header Cache-Control no-store;
        }}
    }}
}}
"""


@contextmanager
def reference(host: Host) -> Iterator[str]:
    """The plan's configuration, running on the host; yields the host's address."""
    host.run(["mkdir", "-p", FOLDER])
    host.run(["tee", f"{FOLDER}/nginx.conf"], stdin=REFERENCE)
    host.run([f"{NGINX}/sbin/nginx", "-e", f"{FOLDER}/error.log", "-c", f"{FOLDER}/nginx.conf"])
    try:
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        yield podman(["inspect", "--format", template, host.container]).stdout.strip()
    finally:
        host.shell(f"kill $(cat {FOLDER}/nginx.pid); rm -r {FOLDER}")


def ours(origin: Origin, film: Path, url: str, log: Path) -> float:
    """Seconds from the publisher's first packet to all renditions playable."""
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    seen = viewer.listed()
    publisher = Publisher.start(film, url, log)
    try:
        began = float(publisher.wait("connecting")["at"])
        return viewer.wait_playable(seen) - began
    finally:
        publisher.stop()
        origin.wait_off_air(seconds=20)
        # The encoder lists its last segment a moment after the show; the next round must not take it for its own.
        time.sleep(SETTLE_SECONDS)


def theirs(address: str, host: Host, film: Path, number: int, log: Path) -> float:
    """The same for the reference: one playlist, one segment. A fresh name each time: its folder is not cleaned."""
    name = f"bench{number}"
    host.run(["mkdir", "-p", f"{FOLDER}/hls/{name}"])
    playlist = f"http://{address}:{HTTP_PORT}/streams/{name}/index.m3u8"
    viewer = Viewer(playlist)
    publisher = Publisher.start(film, f"rtmp://{address}:{RTMP_PORT}/live/{name}", log)
    try:
        began = float(publisher.wait("connecting")["at"])
        while not any(viewer.downloads(segment) for segment in viewer.segments(playlist)):
            if time.monotonic() - began > REFERENCE_TIMEOUT:
                print(f"bench startup: the reference did not play within {REFERENCE_TIMEOUT:.0f} s", file=sys.stderr)
                break
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began
    finally:
        publisher.stop()
        # nginx-rtmp kills its ffmpeg a moment after the publisher left; it must not eat the next round's CPU.
        time.sleep(SETTLE_SECONDS)


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(prog="bench.startup", description=__doc__)
    top.add_argument("--host", default=DEMO.host.name, help="a deployed host of the testbed")
    top.add_argument("--rtmp-port", type=int, default=DEMO.rtmp_port, help="of the host, on this machine")
    top.add_argument("--http-port", type=int, default=DEMO.http_port, help="of the host, on this machine")
    top.add_argument("--srt-port", type=int, default=DEMO.srt_port, help="of the host, on this machine")
    top.add_argument("--srt", action="store_true", help="publish over SRT")
    top.add_argument("--rounds", type=int, default=5)
    return top


def measure_srt(origin: Origin, rounds: int) -> list[float]:
    """Seconds of every round over SRT."""
    film = demo_clip()
    url = origin.srt_url(origin.add_key())
    # nginx@srt looks for new keys every 200 ms.
    time.sleep(1.0)
    with tempfile.TemporaryDirectory(prefix="headend-bench-") as folder:
        return [ours(origin, film, url, Path(folder, "publisher.jsonl")) for _ in range(rounds)]


def measure(origin: Origin, rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, ours and the reference's in turns."""
    film = demo_clip()
    times: dict[str, list[float]] = {"ours": [], "reference": []}
    url = origin.publish_url(origin.add_key().secret)
    with tempfile.TemporaryDirectory(prefix="headend-bench-") as folder, reference(origin.host) as address:
        log = Path(folder, "publisher.jsonl")
        for number in range(rounds):
            times["ours"].append(ours(origin, film, url, log))
            times["reference"].append(theirs(address, origin.host, film, number, log))
    return times


def ready(options: argparse.Namespace) -> Origin:
    """The host that is measured, with nobody on air."""
    ports = {"rtmp_port": options.rtmp_port, "http_port": options.http_port, "srt_port": options.srt_port}
    origin = replace(DEMO, host=Host(options.host), **ports)
    if not origin.host.running():
        raise TestbedError(f"bench startup: no host {options.host}. Start it: ./run demo --no-publish")
    if origin == DEMO and stop_left_over(pid_file()):
        print("bench startup: took the demo off air", file=sys.stderr)
    origin.wait_off_air(seconds=20)
    return origin


def judge(times: dict[str, list[float]]) -> int:
    """Print, and fail where a promise over RTMP is not kept."""
    table(times, "s")
    mine, part = median(times["ours"]), median(times["ours"]) / median(times["reference"])
    result = {"bench": "startup", "ours_s": round(mine, 3), "reference_s": round(median(times["reference"]), 3)}
    result |= {"part": round(part, 3), "promised_s": PROMISED_SECONDS, "promised_part": PROMISED_PART}
    return verdict(result, ok=mine <= PROMISED_SECONDS and part <= PROMISED_PART)


def judge_srt(times: list[float]) -> int:
    """Print, and fail if the promise over SRT is not kept."""
    table({"ours over SRT": times}, "s")
    mine = median(times)
    result = {"bench": "startup", "protocol": "srt", "ours_s": round(mine, 3), "promised_s": PROMISED_SRT_SECONDS}
    return verdict(result, ok=mine <= PROMISED_SRT_SECONDS)


def main() -> int:
    """Measure, print, and fail where a promise is not kept."""
    options = parser().parse_args()
    try:
        origin = ready(options)
        if options.srt:
            return judge_srt(measure_srt(origin, options.rounds))
        return judge(measure(origin, options.rounds))
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
