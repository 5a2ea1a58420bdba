"""The finisher as its unit starts it, and what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import av

from tests.support.flv import AUDIO, VIDEO, Message

START = "20251128T063100Z"
STEM = f"demo-{START}"
EXACT = ["-fps_mode", "passthrough", "-enc_time_base", "-1"]
"""Every picture at its own time: none is moved to an even rate."""

KINDS = {"video": VIDEO, "audio": AUDIO}


def job(folder: Path, parts: list[str], **more: object) -> None:
    """Say what is to be done."""
    document = {"recording": int(folder.name), "slug": "demo", "start": START, "parts": parts, **more}
    (folder / "job.json").write_text(json.dumps(document))


def start(folder: Path | str) -> subprocess.Popen[str]:
    """The finisher, in a process group of its own."""
    argv = [sys.executable, "-m", "finisher", "--folder", str(folder)]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True, stdin=subprocess.DEVNULL)


@dataclass(frozen=True)
class Finished:
    """A run."""

    status: int
    said: str
    result: dict[str, Any]


def finish(folder: Path, parts: list[str] | None = None, **more: object) -> Finished:
    """Run it to its end; without parts there is a job already."""
    if parts is not None:
        job(folder, parts, **more)
    with start(folder) as process:
        said = process.communicate(timeout=120)[1]
    path = folder / "result.json"
    return Finished(process.returncode, said, json.loads(path.read_text()) if path.exists() else {})


def film_of(folder: Path, parts: list[str], **more: object) -> Path:
    """The MP4 that came of it; no word was said."""
    done = finish(folder, parts, **more)
    assert (done.status, done.said, done.result["ok"], done.result["fault"]) == (0, "", True, None)
    path = folder / f"{STEM}.mp4"
    assert done.result["video"]["name"] == path.name
    assert done.result["video"]["bytes"] == path.stat().st_size
    assert done.result["video"]["sha256"] == sha256(path.read_bytes()).hexdigest()
    return path


def refused(folder: Path, parts: list[str] | None, **more: object) -> str:
    """The fault for which there is no MP4; nothing half done is left."""
    before = set(os.listdir(folder)) | {"job.json", "result.json"}
    done = finish(folder, parts, **more)
    assert (done.status, done.result["ok"], done.result["video"]) == (0, False, None)
    assert set(os.listdir(folder)) == before
    fault = str(done.result["fault"])
    assert "/" not in fault
    assert done.said == f"headend-finish: recording {folder.name}: {fault}\n"
    return fault


@dataclass(frozen=True)
class Packet:
    """A frame of an MP4."""

    payload: bytes
    shown: float
    """Milliseconds."""


def packets(film: Path) -> dict[int, list[Packet]]:
    """Every frame, by kind, in the order of decoding."""
    found: dict[int, list[Packet]] = {VIDEO: [], AUDIO: []}
    with av.open(str(film)) as container:
        for packet in container.demux():
            if packet.size:
                shown = float(packet.pts * packet.time_base) * 1000
                found[KINDS[packet.stream.type]].append(Packet(bytes(packet), shown))
    return found


def same_frames(film: Path, sent: list[Message]) -> None:
    """Not one frame is missing, doubled, changed or out of order."""
    found = packets(film)
    for kind, name in ((VIDEO, "picture"), (AUDIO, "sound")):
        wanted = [one.payload for one in sent if one.kind == kind and one.is_frame]
        assert len(found[kind]) == len(wanted), name
        assert [packet.payload for packet in found[kind]] == wanted, name


def moved(film: Path, sent: list[Message]) -> dict[int, list[float]]:
    """For each frame, by how many milliseconds it is shown at another time than its publisher meant."""
    found = packets(film)
    return {
        kind: [
            packet.shown - message.shown
            for packet, message in zip(
                found[kind], (one for one in sent if one.kind == kind and one.is_frame), strict=True
            )
        ]
        for kind in found
    }


def decodes(film: Path) -> None:
    """FFmpeg decodes it from start to end and has nothing to say."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", str(film), *EXACT, "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
