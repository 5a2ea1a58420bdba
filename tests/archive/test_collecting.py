"""Does every part become a part of the recording that it is of?"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from hooks_app.archive.folders import Folder
from hooks_app.archive.part_file import PartName
from hooks_app.tables import SessionRow
from tests.archive.test_folders import locked
from tests.support.shelf import FLV, Shelf


def kept(shelf: Shelf) -> list[list[str]]:
    """The parts of each recording, by the catalogue, once the disk says the same."""
    rows = {str(row.id): sorted(file.name for file in shelf.files(row.id)) for row in shelf.rows()}
    assert {name: names for name, names in rows.items() if names} == shelf.disk()
    return list(rows.values())


def test_a_session_s_parts_are_one_recording_in_its_folder(shelf: Shelf) -> None:
    event_id = shelf.event()
    session_id = shelf.session(7, event_id=event_id)
    first = shelf.part(7, 1)
    shelf.clock.sleep(900)
    second = shelf.part(7, 2)
    assert shelf.collect().closed == ()
    (row,) = shelf.rows()
    assert (row.state, row.owner, row.session_id, row.number, row.host) == (
        "recording",
        "studio",
        session_id,
        1,
        "origin-1",
    )
    shelf.clock.sleep(60)
    shelf.end(session_id)
    # nginx may still be about to begin another part.
    assert shelf.collect(4).closed == ()
    collected = shelf.collect(2)
    assert (collected.closed, collected.moved, collected.unmoved) == ((row.id,), 2, frozenset())
    assert kept(shelf) == [[first, second]]
    row = shelf.row(row.id)
    assert (row.state, row.event_id, (row.ended_at or row.started_at) - row.started_at) == (
        "closed",
        event_id,
        timedelta(seconds=900),
    )
    assert [(file.kind, file.bytes, file.wanted, file.state) for file in shelf.files(row.id)] == [
        ("raw", 100, False, "local")
    ] * 2
    assert shelf.collect(100) == shelf.collect(100)
    assert [part.parts for part in shelf.catalogue.to_finish(shelf.now)] == [(first, second)]


def test_a_publisher_who_comes_back_goes_on_with_the_same_recording(shelf: Shelf) -> None:
    session_id = shelf.session(7)
    first = shelf.part(7, 1)
    shelf.collect(5)
    shelf.clock.sleep(20)
    with shelf.database.write() as db:
        row = db.get_one(SessionRow, session_id)
        row.client_id, row.admitted_at = 12, shelf.now
    second = shelf.part(12, 1)
    # Even for a process that has not seen the first publisher.
    shelf.restart()
    shelf.clock.sleep(30)
    shelf.end(session_id)
    assert len(shelf.collect(10).closed) == 1
    assert kept(shelf) == [[first, second]]


def test_sessions_that_follow_each_other_closely_are_told_apart_by_their_publishers(shelf: Shelf) -> None:
    one = shelf.session(7)
    first = shelf.part(7)
    shelf.clock.sleep(3)
    shelf.end(one)
    two = shelf.session(8)
    second = shelf.part(8)
    shelf.clock.sleep(3)
    shelf.end(two)
    shelf.collect(10)
    assert kept(shelf) == [[first], [second]]


def test_the_number_of_a_connection_that_nginx_gives_again_does_not_mislead(shelf: Shelf) -> None:
    one = shelf.session(7)
    first = shelf.part(7)
    shelf.end(one)
    shelf.collect(10)
    shelf.clock.sleep(3600)
    two = shelf.session(7)
    second = shelf.part(7)
    shelf.end(two)
    shelf.collect(10)
    assert kept(shelf) == [[first], [second]]
    assert [row.session_id for row in shelf.rows()] == [one, two]


def test_a_session_that_was_written_down_late_has_its_parts(shelf: Shelf) -> None:
    # The hook app was down; nginx went on, and the app found the publisher when it was back.
    first = shelf.part(7, 1)
    shelf.clock.sleep(60)
    shelf.touch(shelf.root / "buffer" / first)
    session_id = shelf.session(7)
    shelf.clock.sleep(60)
    shelf.end(session_id)
    shelf.collect(10)
    assert [row.session_id for row in shelf.rows()] == [session_id]


def test_a_part_that_comes_when_all_is_closed_is_a_recording_of_its_own(shelf: Shelf) -> None:
    session_id = shelf.session(7)
    first = shelf.part(7, 1)
    shelf.end(session_id)
    shelf.collect(10)
    late = shelf.part(7, 2, seconds=12)
    shelf.collect(10)
    assert kept(shelf) == [[first], [late]]
    assert [(row.session_id, row.number) for row in shelf.rows()] == [(session_id, 1), (session_id, 2)]


def test_what_nginx_still_writes_keeps_the_recording_open(shelf: Shelf) -> None:
    session_id = shelf.session(7)
    name = shelf.part(7)
    shelf.end(session_id)
    with locked(shelf.root / "buffer" / name):
        assert shelf.collect(3600).closed == ()
    # nginx was killed: its lock is gone by itself.
    assert len(shelf.collect().closed) == 1


def test_parts_of_no_session_are_kept_after_a_while(shelf: Shelf) -> None:
    names = [shelf.part(7, 1, slug="nobody-s"), shelf.part(7, 2, slug="nobody-s", seconds=-60)]
    other = shelf.part(7, 1, slug="nobody-s", seconds=3600)
    shelf.touch(shelf.root / "buffer" / other, 3500)
    shelf.collect(540)
    assert (shelf.row(1).owner, len(shelf.rows())) == ("site", 1)
    shelf.collect(70)
    assert sorted(kept(shelf)) == sorted([names, [other]])
    assert {(row.session_id, row.state) for row in shelf.rows()} == {(None, "closed")}


def test_the_owner_of_a_stray_is_the_stream_s(shelf: Shelf) -> None:
    shelf.part(7)
    shelf.collect(601)
    assert [row.owner for row in shelf.rows()] == ["studio"]


def test_a_long_session_is_several_recordings(shelf: Shelf) -> None:
    shelf.longest_hours = 1
    shelf.restart()
    session_id = shelf.session(7)
    names = []
    for number in range(1, 10):
        names.append(shelf.part(7, number))
        shelf.clock.sleep(900)
        shelf.touch(shelf.root / "buffer" / names[-1], 1)
        shelf.collect()
    assert [row.state for row in shelf.rows()] == ["closed", "closed", "recording"]
    shelf.end(session_id)
    shelf.collect(10)
    assert kept(shelf) == [names[:4], names[4:8], names[8:]]
    assert [row.number for row in shelf.rows()] == [1, 2, 3]


def test_what_has_no_frame_is_removed_and_what_has_no_part_is_forgotten(shelf: Shelf) -> None:
    session_id = shelf.session(7)
    name = shelf.part(7, size=13)
    assert (shelf.root / "buffer" / name).read_bytes() == FLV
    shelf.collect()
    assert (shelf.buffer.names(), len(shelf.rows())) == ([name], 1)
    shelf.collect(10)
    assert shelf.buffer.names() == []
    shelf.end(session_id)
    shelf.collect(50)
    assert len(shelf.rows()) == 1
    shelf.collect(20)
    assert shelf.rows() == []


def test_strange_files_are_left_alone_and_told_once(shelf: Shelf, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("what is outside")
    buffer = shelf.root / "buffer"
    (buffer / "notes.txt").write_text("mine")
    (buffer / "demo-1764316800-7-1.flv").symlink_to(canary)
    (buffer / "demo-1764316800-7-2.flv").hardlink_to(canary)
    os.mkfifo(buffer / "demo-1764316800-7-3.flv")
    (buffer / "demo-1764316800-7-4.flv").mkdir()
    (buffer / "Demo-1764316800-7-5.flv").write_text("an upper-case slug")
    (buffer / "..\n.flv").write_text("a line feed")
    names = shelf.buffer.names()
    told = shelf.collect(3600).strange
    assert len(told) == 7
    assert all("\n" not in sentence for sentence in told)
    assert shelf.collect(3600).strange == ()
    assert (shelf.buffer.names(), shelf.rows(), shelf.disk()) == (names, [], {})
    assert canary.read_text() == "what is outside"
    (buffer / "notes.txt").unlink()
    shelf.collect()
    (buffer / "notes.txt").write_text("again")
    assert len(shelf.collect().strange) == 1


def test_a_folder_that_somebody_put_where_a_recording_s_is_to_be_is_not_written_into(
    shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (shelf.root / "kept" / "1").symlink_to(tmp_path / "outside")
    session_id = shelf.session(7)
    name = shelf.part(7)
    shelf.end(session_id)
    collected = shelf.collect(10)
    assert (collected.unmoved, len(collected.strange)) == ({1}, 1)
    assert (shelf.buffer.names(), list((tmp_path / "outside").iterdir())) == ([name], [])
    (shelf.root / "kept" / "1").unlink()
    collected = shelf.collect()
    assert (collected.unmoved, collected.moved) == (frozenset(), 1)
    assert kept(shelf) == [[name]]


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_kill_between_the_rows_and_the_move_repeats_harmlessly(
    moved: int, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = shelf.session(7)
    names = [shelf.part(7, number, seconds=number) for number in (3, 2, 1)]
    shelf.end(session_id)
    move, moves = Folder.move, iter(range(10))

    def killed(self: Folder, name: str, to: Folder) -> None:
        if next(moves) >= moved:
            raise KeyboardInterrupt
        move(self, name, to)

    monkeypatch.setattr(Folder, "move", killed)
    with pytest.raises(KeyboardInterrupt):
        shelf.collect(10)
    monkeypatch.setattr(Folder, "move", move)
    shelf.restart()
    collected = shelf.collect()
    assert (collected.closed, collected.moved) == ((), 3 - moved)
    assert kept(shelf) == [sorted(names)]


def test_another_host_s_sessions_and_recordings_are_not_touched(shelf: Shelf, tmp_path: Path) -> None:
    here = shelf.session(7)
    first = shelf.part(7)
    shelf.collect()
    shelf.end(here)
    with Shelf.made(shelf.database, tmp_path / "other", clock=shelf.clock, host="origin-2") as other:
        there = other.session(7)
        # Of the same name, in the same second.
        second = other.part(7)
        other.end(there)
        other.collect(10)
        assert (other.row(1).state, other.row(2).state) == ("recording", "closed")
        shelf.collect()
        assert [(row.host, row.session_id, row.state) for row in shelf.rows()] == [
            ("origin-1", here, "closed"),
            ("origin-2", there, "closed"),
        ]
        assert (shelf.disk(), other.disk()) == ({"1": [first]}, {"2": [second]})
        with pytest.raises(LookupError, match="not one of origin-2"):
            other.catalogue.lease(1, 60)


def test_a_clock_that_was_set_back_does_not_keep_a_recording_open(shelf: Shelf) -> None:
    session_id = shelf.session(7)
    shelf.part(7)
    shelf.end(session_id)
    shelf.clock.step(-1200)
    assert len(shelf.collect(10).closed) == 1


def test_a_session_of_a_release_without_hosts_is_ours(shelf: Shelf) -> None:
    session_id = shelf.session(7, host="")
    shelf.part(7)
    shelf.end(session_id)
    shelf.collect(10)
    assert [row.session_id for row in shelf.rows()] == [session_id]


def test_a_turn_with_nothing_to_do_writes_nothing(shelf: Shelf) -> None:
    writes: list[float] = []
    shelf.session(7)
    shelf.part(7)
    shelf.collect()
    shelf.database.wrote = writes.append
    shelf.collect(2)
    assert writes == []


@pytest.mark.parametrize(
    "name, expected",
    [
        ("demo-1764316800-7-1.flv", ("demo", 1764316800, 7, 1)),
        ("coffee-and-stocks-1764316800-123-12.flv", ("coffee-and-stocks", 1764316800, 123, 12)),
        ("a-1-2-1764316800-7-1.flv", ("a-1-2", 1764316800, 7, 1)),
        ("demo-1764316800-7.flv", None),
        ("demo-1764316800-7-1.flv.part", None),
        ("-1764316800-7-1.flv", None),
        ("demo-1764316800-\u0667-1.flv", None),
        ("demo-1764316800-7-1.flv\n", None),
        ("../demo-1764316800-7-1.flv", None),
    ],
)
def test_the_name_of_a_part(name: str, expected: tuple[str, int, int, int] | None) -> None:
    found = PartName.of(name)
    assert (found and (found.slug, found.seconds, found.client_id, found.number)) == expected
