"""Is a report there whole or not at all?"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from srt_remux.faults import FaultError, write

HEVC = FaultError("video-codec", "hevc", "video is hevc")


def test_a_report(tmp_path: Path) -> None:
    write(str(tmp_path), "demo", HEVC)
    (path,) = tmp_path.iterdir()
    document = json.loads(path.read_text())
    assert path.name == "demo.json"
    assert abs(document.pop("at") - time.time()) < 5
    assert document == {"reason": "video-codec", "detail": "hevc"}


def test_the_newer_replaces_the_older(tmp_path: Path) -> None:
    write(str(tmp_path), "demo", HEVC)
    write(str(tmp_path), "demo", FaultError("no-video", "", "no picture"))
    assert json.loads((tmp_path / "demo.json").read_text())["reason"] == "no-video"


def test_a_folder_that_is_not_there_is_an_oserror_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "demo.json").mkdir()
    with pytest.raises(OSError, match=r"demo\.json"):
        write(str(tmp_path), "demo", HEVC)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]
