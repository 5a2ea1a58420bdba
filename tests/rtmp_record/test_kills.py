"""nginx is killed while it records: what it had written is a film, and nobody takes it for one being written."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.recording_ingest import decode, frames, is_locked, recording, tags, wait

PROMISED_SECONDS = 2


@pytest.mark.parametrize("seconds", [1.5, 3.1, 5.7])
def test_a_killed_worker_leaves_all_but_two_seconds(buffer: Path, short_film: Path, seconds: float) -> None:
    with recording(buffer) as here, here.publishing(short_film, "demo", "-re"):
        wait(here.parts, 10)
        began = time.monotonic()
        (part,) = here.parts()
        time.sleep(seconds)
        assert is_locked(part)
        (worker,) = here.ingest.worker_pids()
        os.kill(worker, signal.SIGKILL)
        lasted = time.monotonic() - began
        wait(lambda: here.ingest.worker_pids() not in ([worker], []), 5)
        assert not is_locked(part)
        assert part.exists()
    # The last one may be half a frame.
    kept = frames(part)[:-1]
    assert kept == frames(short_film)[: len(kept)]
    assert tags(part, torn=True)[-1][1] / 1000 > lasted - PROMISED_SECONDS
    assert len(kept) > 30 * (lasted - PROMISED_SECONDS)
    decode(part)
