"""How many cores a ladder takes on this machine: a short real encode with the encoder's own arguments, timed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from headend.ffmpeg import encoder_argv
from headend.layout import Layout
from headend.model.ladder import Ladder
from headend.model.spec import Spec, Stream

# Long enough that the start does not count for much, short enough to wait for.
MEDIA_SECONDS = 8
TIMEOUT_SECONDS = 300
SOURCE_KBPS = 6000


class CalibrationError(Exception):
    """FFmpeg is missing or failed; the text is one line with a remedy."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one ladder took."""

    ladder: str
    cores: float
    """CPU seconds per second of media: the cores that one stream of this ladder keeps busy."""
    media_seconds: int


def calibrate(spec: Spec, layout: Layout) -> list[Calibration]:
    """Measure each ladder that a stream uses, one after the other.

    The picture is FFmpeg's moving test card with noise; a real one may take more or less. Raises CalibrationError.
    """
    if shutil.which("ffmpeg") is None:
        raise CalibrationError("ffmpeg is not installed. Install it: apt install ffmpeg")
    first = {stream.ladder: stream for stream in reversed(spec.streams)}
    with tempfile.TemporaryDirectory(prefix="headend-calibrate-") as folder:
        return [measure(stream, spec, layout, Path(folder)) for stream in reversed(first.values())]


def measure(stream: Stream, spec: Spec, layout: Layout, folder: Path) -> Calibration:
    ladder = spec.ladders[stream.ladder]
    clip = make_clip(ladder, folder / f"{stream.slug}.flv")
    lab = layout.model_copy(update={"media_root": str(folder)})
    for rung in ladder.rungs:
        (folder / "hls" / stream.slug / rung.name).mkdir(parents=True)
    argv = encoder_argv(stream, ladder, lab, rtmp_port=spec.ingest.rtmp_port, run_id="calibration")
    before = os.times()
    run(from_file(argv, clip))
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Calibration(stream.ladder, round(used / MEDIA_SECONDS, 2), MEDIA_SECONDS)


def make_clip(ladder: Ladder, path: Path) -> Path:
    """What a publisher of this ladder would send, in a file."""
    top = ladder.rungs[0]
    size = f"{top.width}x{top.height}"
    picture = f"testsrc2=size={size}:rate={ladder.frame_rate},noise=alls=12:allf=t[out0];sine=frequency=440[out1]"
    made = ["-f", "lavfi", "-i", picture, "-t", str(MEDIA_SECONDS)]
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", f"{SOURCE_KBPS}k"]
    video += ["-g", str(ladder.gop_frames)]
    run(["ffmpeg", "-nostdin", "-v", "error", *made, *video, "-c:a", "aac", "-f", "flv", str(path)])
    return path


def from_file(argv: list[str], clip: Path) -> list[str]:
    """The encoder's argv with the clip as its input, and everything after the input as it is."""
    output = argv[argv.index("-i") + 2 :]
    return [argv[0], "-nostdin", "-v", "error", "-f", "flv", "-i", str(clip), *output]


def run(argv: list[str]) -> None:
    try:
        subprocess.run(argv, check=True, capture_output=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise CalibrationError(f"ffmpeg failed: {lines[-1][:200]}") from None
    except subprocess.TimeoutExpired:
        raise CalibrationError(f"ffmpeg took longer than {TIMEOUT_SECONDS} s for {MEDIA_SECONDS} s of media") from None
