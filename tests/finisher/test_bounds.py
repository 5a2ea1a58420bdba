"""Does an FFmpeg that hangs, talks without end or is not there end in one clean sentence?"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from finisher import child
from finisher.fault import FaultError
from finisher.finish import bounded, patience
from tests.finisher.conftest import Sent
from tests.support.finishing import finish
from tests.support.flv import Recorder


def test_a_program_that_hangs_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(FaultError, match="it was not done within 1 s"), bounded(1):
        child.run(["sleep", "600"], "sleep")
    assert time.monotonic() - began < 60


def test_a_program_that_takes_nothing_is_killed() -> None:
    endless = iter(lambda: bytes(65536), b"")
    with pytest.raises(FaultError, match="it was not done within 1 s"), bounded(1):
        child.run(["sleep", "600"], "sleep", endless)


def test_a_program_that_complains_without_end_is_listened_to() -> None:
    script = "import sys\nfor n in range(200000): print('complaint', n, file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(FaultError, match=r"^it failed: complaint 199999$"):
        child.run(["python3", "-c", script], "it")


def test_large_recordings_have_more_time() -> None:
    assert patience(0) == 600
    assert patience(2_000_000_000) == 2600
    # The unit's own bound is six hours.
    assert patience(10**15) < 6 * 3600


def test_without_ffmpeg_there_is_a_result(folder: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Recorder(folder).record(sent())
    monkeypatch.setenv("PATH", "/nowhere")
    done = finish(folder, parts)
    assert (done.status, done.result["ok"]) == (0, False)
    assert done.result["fault"] == "a file could not be written or read: No such file or directory"
