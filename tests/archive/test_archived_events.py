"""Is an event archived when all of it is in safety, and not before?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from hooks_app.tables import EventRow, SessionRow, TransitionRow
from tests.support.shelf import Shelf, made


def state(shelf: Shelf, event_id: int) -> str:
    """Of an event."""
    with shelf.database.read() as db:
        return db.get_one(EventRow, event_id).state


def turn(shelf: Shelf, seconds: float = 0.0) -> list[int]:
    """The archiver turns after a while; the events that it moved."""
    shelf.clock.sleep(seconds)
    shelf.catalogue.note_archiver(free_bytes=1, total_bytes=2, recording_stopped=False, store_fault=None)
    return shelf.catalogue.events_archived()


def test_an_event_whose_every_recording_is_archived_is_archived_once(shelf: Shelf) -> None:
    event_id = shelf.event()
    first, second = shelf.finished(7, event_id), shelf.finished(8, event_id)
    shelf.upload(first)
    assert shelf.catalogue.archived(first)
    assert turn(shelf, 60) == []
    shelf.upload(second)
    assert shelf.catalogue.archived(second)
    assert (turn(shelf), turn(shelf)) == ([event_id], [])
    assert state(shelf, event_id) == "archived"
    with shelf.database.read() as db:
        told = list(db.scalars(select(TransitionRow).where(TransitionRow.event_id == event_id)))
    assert [(row.subject, row.before, row.after, row.trigger) for row in told] == [
        ("event", "ended", "archived", "archived")
    ]


def test_an_event_without_a_recording_stays_ended(shelf: Shelf) -> None:
    event_id = shelf.event()
    shelf.end(shelf.session(event_id=event_id))
    assert turn(shelf, 3600) == []
    assert state(shelf, event_id) == "ended"


def test_an_event_is_not_archived_while_its_window_is_open(shelf: Shelf) -> None:
    event_id = shelf.event(ad_hoc=False, ends_at=shelf.now + timedelta(hours=2))
    shelf.archived(event_id=event_id)
    assert turn(shelf, 3600) == []
    # A publisher came again: only when that one's recording is archived, too.
    again = shelf.session(9, event_id=event_id)
    with shelf.database.write() as db:
        db.get_one(EventRow, event_id).state = "live"
    assert turn(shelf, 7200) == []
    shelf.end(again)
    with shelf.database.write() as db:
        db.get_one(EventRow, event_id).state = "ended"
    assert turn(shelf, 20) == [event_id]


def test_a_session_that_is_on_air_keeps_its_event(shelf: Shelf) -> None:
    event_id = shelf.event()
    shelf.archived(event_id=event_id)
    session_id = shelf.session(9, event_id=event_id)
    assert turn(shelf, 3600) == []
    shelf.end(session_id)
    assert turn(shelf) == []
    assert turn(shelf, 15) == [event_id]


def test_a_recording_that_is_not_closed_keeps_its_event(shelf: Shelf) -> None:
    event_id = shelf.event()
    shelf.archived(event_id=event_id)
    session_id = shelf.session(9, event_id=event_id)
    shelf.part(9)
    shelf.collect()
    shelf.end(session_id)
    assert turn(shelf, 3600) == []


def test_removed_ones_do_not_keep_it_but_one_must_be_there(shelf: Shelf) -> None:
    gone, there = shelf.event(), shelf.event()
    shelf.change(shelf.archived(7, gone), state="removed")
    shelf.change(shelf.archived(8, there), state="removed")
    shelf.archived(9, there)
    assert turn(shelf, 60) == [there]


def test_an_event_on_two_hosts_waits_for_both(shelf: Shelf, tmp_path: Path) -> None:
    event_id = shelf.event()
    with Shelf.made(shelf.database, tmp_path / "other", clock=shelf.clock, host="origin-2") as other:
        turn(other)
        shelf.archived(7, event_id)
        session_id = other.session(7, event_id=event_id)
        other.part(7)
        shelf.clock.sleep(60)
        other.end(session_id)
        # The other archiver has not even seen the part.
        assert turn(shelf, 3600) == []
        (recording_id,) = other.collect().closed
        other.catalogue.note_archiver(free_bytes=1, total_bytes=2, recording_stopped=False, store_fault=None)
        assert turn(shelf) == []
        (other.root / "kept" / str(recording_id) / "demo.mp4").write_bytes(b"m" * 100)
        other.catalogue.finished(recording_id, made())
        assert turn(shelf) == []
        other.upload(recording_id)
        assert other.catalogue.archived(recording_id)
        # Whoever looks first says it, and says it once.
        assert (turn(shelf), turn(other)) == ([event_id], [])


def test_an_event_whose_host_archives_nothing_is_not_waited_for(shelf: Shelf) -> None:
    event_id = shelf.event()
    shelf.archived(7, event_id)
    with shelf.database.write() as db:
        db.add(
            SessionRow(
                slug="demo",
                client_id=8,
                state="ended",
                since=shelf.now,
                started_at=shelf.now,
                admitted_at=shelf.now,
                ended_at=shelf.now,
                event_id=event_id,
                host="edge-9",
            )
        )
    assert turn(shelf, 60) == [event_id]
