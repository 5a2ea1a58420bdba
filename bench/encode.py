"""What the encoder costs: CPU seconds per second of film, against a bare FFmpeg with the same settings.

Both play the same film from the same nginx, at the pace of real time and in turns. The bare one decodes once, scales to
the same sizes and encodes at the same rates, and writes plain MPEG-TS files: no playlists, no poster.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.report import table, verdict
from headend.ffmpeg import loopback_url
from headend.loader import load_spec
from headend.model.ladder import Ladder
from headend.model.spec import Stream
from testbed.clip import demo_clip
from tests.support.encoding import Studio, studio

PROMISED_RATIO = 1.03


def bare_argv(ladder: Ladder, url: str, folder: Path) -> list[str]:
    """The least that FFmpeg needs for the pictures and the sound of a ladder."""
    rungs = ladder.renditions
    labels = "".join(f"[r{number}]" for number, _ in enumerate(rungs))
    graph = [f"[0:v]fps={ladder.frame_rate},split={len(rungs)}{labels}"]
    graph += [f"[r{number}]scale={rung.width}:{rung.height}[v{number}]" for number, rung in enumerate(rungs)]
    argv = ["ffmpeg", "-y", "-nostdin", "-nostats", "-loglevel", "error", "-i", url, "-filter_complex", ";".join(graph)]
    for number, rung in enumerate(rungs):
        argv += ["-map", f"[v{number}]", "-map", "0:a", "-c:v", "libx264", "-preset", rung.preset]
        argv += [] if rung.tune == "none" else ["-tune", rung.tune]
        argv += ["-profile:v", rung.profile, "-b:v", str(rung.video_bps)]
        argv += ["-maxrate", str(rung.maxrate_bps), "-bufsize", str(rung.bufsize_bits), "-sc_threshold", "0"]
        argv += ["-g", str(ladder.gop_frames), "-c:a", "aac", "-b:a", str(rung.audio_bps), "-ar", "48000", "-ac", "2"]
        argv += ["-f", "mpegts", str(folder / f"{rung.name}.ts")]
    return argv


def cpu_seconds(argv: Sequence[str], scene: Studio, film: Path, seconds: int) -> float:
    """CPU seconds, user and system, of an encoder for one publication; it ends by itself when the publisher leaves."""
    with subprocess.Popen(argv) as encoder:
        scene.wait_attached()
        publisher = ["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(film)]
        publisher += ["-t", str(seconds), "-c", "copy", "-f", "flv", f"rtmp://127.0.0.1:{scene.rtmp_port}/live/demo"]
        subprocess.run(publisher, check=True)
        _, status, usage = os.wait4(encoder.pid, 0)
        encoder.returncode = os.waitstatus_to_exitcode(status)
    if encoder.returncode:
        raise SystemExit(f"bench encode: {argv[0]} ended with {encoder.returncode}, see above")
    return usage.ru_utime + usage.ru_stime


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(prog="bench.encode", description=__doc__)
    top.add_argument("--spec", type=Path, default=Path("specs/demo.yaml"), help="its ladder named default is measured")
    top.add_argument("--seconds", type=int, default=20, help="length of a round")
    top.add_argument("--rounds", type=int, default=5)
    return top


def main() -> int:
    """Measure in turns, print, and fail above the promised ratio."""
    options = parser().parse_args()
    ladder = load_spec(options.spec).ladders["default"].model_copy(update={"source": None})
    film = demo_clip()
    costs: dict[str, list[float]] = {"ours": [], "bare": []}
    with studio(ladder) as scene:
        url = loopback_url(Stream(slug="demo", title="Demo"), scene.rtmp_port)
        contestants = {"ours": [scene.script], "bare": bare_argv(ladder, url, Path(scene.layout.media_root))}
        for _ in range(options.rounds):
            for name, argv in contestants.items():
                costs[name].append(cpu_seconds(argv, scene, film, options.seconds) / options.seconds)
    table(costs, "CPU-s per media second")
    ratio = median(ours / bare for ours, bare in zip(costs["ours"], costs["bare"], strict=True))
    result = {"bench": "encode", "ours": median(costs["ours"]), "bare": median(costs["bare"]), "ratio": round(ratio, 4)}
    return verdict(result | {"promised": PROMISED_RATIO}, ok=ratio <= PROMISED_RATIO)


if __name__ == "__main__":
    sys.exit(main())
