"""A film that is short, and a folder to record it into."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def short_film(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first ten seconds of the demo's clip, as an encoder would send them: five groups of pictures."""
    path = tmp_path_factory.mktemp("film") / "short.flv"
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(film), "-t", "10", "-c", "copy", str(path)]
    subprocess.run(argv, check=True)
    return path


@pytest.fixture
def buffer() -> Iterator[Path]:
    """An empty folder. Not in pytest's own: nobody can enter that, and nginx's worker is nobody when we are root."""
    with tempfile.TemporaryDirectory(prefix="headend-recordings-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "buffer")
        path.mkdir()
        yield path
