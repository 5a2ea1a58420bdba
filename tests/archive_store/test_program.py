"""Does the whole program get on, whatever the store does?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headend.model.recordings import Archive, Keep
from tests.support.archive_program import Installed, installed
from tests.support.processes import until


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Installed]:
    """With a store that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        archive = Archive(
            bucket="live-recordings",
            access_key_id="writer",
            secret="archive",
            endpoint=f"http://127.0.0.1:{server.getsockname()[1]}",
        )
        with installed(tmp_path, archive, "secret", Keep(local_days=0, grace_hours=0)) as one:
            yield one


def test_a_store_that_hangs_keeps_nobody_from_looking_after_the_disk(hanging: Installed) -> None:
    shelf = hanging.shelf
    *asked, old = (hanging.finished(client, 1000) for client in (7, 8, 9))
    for recording_id in (*asked, old):
        shelf.upload(recording_id, hanging.archive)
        assert shelf.catalogue.archived(recording_id)
    # Two: while the store is asked to remove one, that one is leased.
    for recording_id in asked:
        shelf.change(recording_id, removal_asked_at=shelf.now)
    with hanging.run() as program:
        # Else systemd would start it again and again: nothing would be collected, finished or copied.
        assert program.told("READY=1", 20)
        until(10, lambda: str(old) not in shelf.disk())
        assert [shelf.row(one).state for one in asked] == ["archived", "archived"]
        for _ in range(5):
            assert program.told("WATCHDOG=1", 5)
        assert program.process.poll() is None
