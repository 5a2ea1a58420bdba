"""Parts as nginx-rtmp leaves them, of a real film and of test pictures."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.flv import Message, messages

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
TONE = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-bf", "2", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-ac", "2"]

Sent = Callable[..., list[Message]]


@pytest.fixture(scope="session")
def shown(film: Path) -> list[Message]:
    """What a publisher of the demo's film sends: a minute of 720p."""
    return messages(film)


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """What a publisher of a test picture and a tone sends; made once for the same options."""
    folder = tmp_path_factory.mktemp("sent")
    made: dict[tuple[str, ...], list[Message]] = {}

    def send(*options: str, seconds: int = 12) -> list[Message]:
        key = (*options, str(seconds))
        if key not in made:
            path = folder / f"{len(made)}.mp4"
            argv = ["ffmpeg", "-nostdin", "-v", "error", *PICTURE, *TONE, "-t", str(seconds), *H264, *AAC, *options]
            subprocess.run([*argv, str(path)], check=True)
            made[key] = messages(path)
        return made[key]

    return send


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording's folder."""
    path = tmp_path / "kept" / "12"
    path.mkdir(parents=True)
    return path
