"""Killed at any moment: is the object right in the end, and was nothing sent twice that was written down?

HEADEND_CYCLES says how often; CI does a part of what the promise was measured with.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hooks_app.archive.states import FileState
from testbed.places import ROOT
from tests.archive_store.conftest import PART, Shelf, sha256
from tests.support.fault_proxy import FaultProxy

KILLS = int(os.environ.get("HEADEND_CYCLES", "10"))
PARTS = 8

pytestmark = pytest.mark.slow


def child(shelf: Shelf, path: Path, file_id: int, **changes: object) -> subprocess.Popen[str]:
    """An uploading process."""
    secret, facts = shelf.folder / "secret", shelf.folder / "child.json"
    secret.touch(0o600)
    secret.write_text(shelf.place.secret)
    given = {
        "archive": shelf.archive(**changes).model_dump(mode="json"),
        "secret": str(secret),
        "journal": str(shelf.folder / "journal.sqlite3"),
        "file": str(path),
        "file_id": file_id,
    }
    facts.write_text(json.dumps(given))
    argv = [sys.executable, "-m", "tests.support.upload_child", str(facts)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.mark.timeout(1800)
def test_whenever_it_is_killed_the_object_is_right_and_no_part_that_was_written_down_goes_twice(
    far: Shelf, proxy: FaultProxy
) -> None:
    chance, kills, files, twice, sent, midway = random.Random(11), 0, 0, 0, 0, 0
    while kills < KILLS:
        files += 1
        file, path = far.file((PARTS - 1) * PART + 4321, f"demo-{files}.mp4", seed=files)
        while far.journal.file(file.id).state is not FileState.VERIFIED:
            row = far.journal.file(file.id)
            had = {(row.upload_id or "", number) for number in far.journal.parts(file.id)}
            proxy.taken.clear()
            # Slow enough that most kills meet a part on its way.
            with child(far, path, file.id, upload_kbps=100_000, parallel_parts=2) as process:
                if kills < KILLS:
                    # One in ten somewhere in its first seconds; the others once it is at work.
                    if chance.random() < 0.9 and process.stdout is not None:
                        process.stdout.readline()
                    time.sleep(chance.uniform(0.0, 3.5))
                    if process.poll() is None:
                        process.send_signal(signal.SIGKILL)
                        kills += 1
                code = process.wait(120)
            assert code in (0, -signal.SIGKILL)
            # What is still on its way through the proxy arrives, or breaks, within a moment.
            time.sleep(0.1)
            twice += len(had & set(proxy.taken))
            sent += len(proxy.taken)
            midway += code != 0 and 0 < len(far.journal.parts(file.id)) < PARTS
        assert far.sha256_there(file.object_key) == sha256(path)
        path.unlink()
    later = datetime.now(UTC) + timedelta(hours=25)
    aborted = far.store().abort_stale(list, timedelta(hours=24), later)
    assert far.multiparts() == []
    assert twice == 0
    assert midway > 0
    print(f"{kills} kills, {midway} between the first part and the last; {files} files of {PARTS} parts")
    print(f"{sent} bodies sent to their end, {aborted} orphans aborted")
