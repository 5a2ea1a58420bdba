"""Does a recording go on only when what it was waiting for is there?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import func, select

from headend.model.recordings import Archive
from headend.model.store import place_of
from hooks_app.archive.finished import Finished
from hooks_app.archive.journal import Journal, Part
from hooks_app.archive.object_keys import LONGEST, prefix_of
from hooks_app.archive.progress import FINISH_ATTEMPTS
from hooks_app.archive.states import FileState
from hooks_app.archive.upload_journal import ChangedError
from hooks_app.recording_tables import ArchiverRow, UploadPartRow
from hooks_app.tables import EventRow, SessionRow
from tests.hooks_app.fakes import NOON
from tests.support.shelf import ARCHIVE, SHA256, Shelf, made

OTHER = "7a" * 32
PLACE = place_of(ARCHIVE)
ELSEWHERE = ARCHIVE.model_copy(update={"prefix": "elsewhere"})


def wanted(shelf: Shelf, recording_id: int) -> dict[str, bool]:
    """Which kinds of files go to the store."""
    return {file.kind: file.wanted for file in shelf.files(recording_id)}


def test_a_file_that_plays_goes_to_the_store_and_its_raw_parts_do_not(shelf: Shelf) -> None:
    recording_id = shelf.finished()
    row = shelf.row(recording_id)
    assert (row.state, row.media_seconds, row.codecs, row.fault) == ("finished", 60.0, {"video": "h264"}, None)
    assert wanted(shelf, recording_id) == {"raw": False, "video": True}
    assert shelf.catalogue.finished(recording_id, made()) is False
    assert shelf.catalogue.failed_to_finish(recording_id, "too late") is False
    assert len(shelf.files(recording_id)) == 2


def test_the_site_may_want_the_raw_parts_too(shelf: Shelf) -> None:
    shelf.keep_raw = True
    shelf.restart()
    assert wanted(shelf, shelf.finished()) == {"raw": True, "video": True}


def test_where_the_remux_failed_the_raw_parts_are_what_is_kept(shelf: Shelf) -> None:
    recording_id = shelf.closed()
    shelf.catalogue.finished(recording_id, Finished(ok=False, fault="ffmpeg: no\n  video frame"))
    assert wanted(shelf, recording_id) == {"raw": True}
    shelf.upload(recording_id)
    assert shelf.catalogue.archived(recording_id)
    # Why there is no file that plays is still to be read.
    assert (shelf.row(recording_id).state, shelf.row(recording_id).fault) == ("archived", "ffmpeg: no video frame")


def test_a_finisher_that_names_a_raw_part_or_one_name_twice_is_not_believed(shelf: Shelf) -> None:
    recording_id = shelf.closed()
    (raw,) = shelf.files(recording_id)
    video = {"name": raw.name, "bytes": 1, "sha256": SHA256, "seconds": 1.0, "codecs": {}}
    assert shelf.catalogue.finished(recording_id, Finished.model_validate({"ok": True, "video": video}))
    assert wanted(shelf, recording_id) == {"raw": True}
    assert shelf.row(recording_id).fault == "The finisher named two files alike."


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../demo.mp4"},
        {"name": ".mp4"},
        {"bytes": -1},
        {"sha256": "5E"},
        {"seconds": float("nan")},
        {"name": "a\n"},
    ],
)
def test_a_finisher_that_says_what_cannot_be_is_not_read(changed: dict[str, object]) -> None:
    video = {"name": "demo.mp4", "bytes": 1, "sha256": SHA256, "seconds": 1.0, "codecs": {}, **changed}
    with pytest.raises(ValidationError):
        Finished.model_validate({"ok": True, "video": video})


def test_a_finisher_that_cannot_be_run_is_tried_again_and_then_the_raw_parts_are_kept(shelf: Shelf) -> None:
    recording_id, waited = shelf.closed(), []
    for attempt in range(1, FINISH_ATTEMPTS):
        assert shelf.catalogue.failed_to_finish(recording_id, "the finisher was killed") is False
        row = shelf.row(recording_id)
        assert (row.attempts, row.state, row.fault) == (attempt, "closed", "the finisher was killed")
        waited.append(((row.due_at or shelf.now) - shelf.now).total_seconds())
        if waited[-1] > 0:
            assert shelf.catalogue.to_finish(shelf.now) == []
        shelf.clock.sleep(waited[-1] + 0.001)
        assert [task.attempts for task in shelf.catalogue.to_finish(shelf.now)] == [attempt]
    assert shelf.catalogue.failed_to_finish(recording_id, "the finisher was killed") is True
    assert all(0 <= seconds <= 10 * 2**n for n, seconds in enumerate(waited))
    assert (shelf.row(recording_id).state, wanted(shelf, recording_id)) == ("finished", {"raw": True})


def test_archiving_that_fails_is_put_off_for_a_quarter_of_an_hour_at_most(shelf: Shelf) -> None:
    recording_id = shelf.finished()
    for _ in range(40):
        shelf.catalogue.put_off(recording_id, "no route to the store")
        due_at = shelf.row(recording_id).due_at
        assert due_at is not None
        assert shelf.now <= due_at <= shelf.now + timedelta(minutes=15)
    assert shelf.row(recording_id).attempts == 40
    shelf.clock.sleep(901)
    assert len(shelf.catalogue.to_archive(shelf.now, ARCHIVE)) == 1
    shelf.catalogue.put_off(recording_id, "no route to the store")
    # A clock that is set back by a day does not make it wait for a day.
    shelf.clock.step(-86400)
    shelf.upload(recording_id)
    assert shelf.catalogue.archived(recording_id)
    assert (shelf.row(recording_id).fault, shelf.row(recording_id).attempts) == (None, 0)


def test_the_oldest_is_archived_first(shelf: Shelf) -> None:
    first, second = shelf.finished(7), shelf.finished(8)
    third = shelf.finished(9)
    shelf.change(third, started_at=NOON - timedelta(days=1))
    tasks = shelf.catalogue.to_archive(shelf.now, ARCHIVE)
    assert [task.recording_id for task in tasks] == [third, first, second]
    assert [task.recording_id for task in shelf.catalogue.to_archive(shelf.now, ARCHIVE, 1)] == [third]


def test_where_it_goes_is_settled_once(shelf: Shelf) -> None:
    recording_id = shelf.finished()
    (task,) = shelf.catalogue.to_archive(shelf.now, ARCHIVE)
    assert task.prefix == f"recordings/demo/2026/03/01/20260301T120000Z-{recording_id}"
    assert [(file.object_key, file.state, file.sha256) for file in task.files] == [
        (f"{task.prefix}/demo.mp4", FileState.LOCAL, SHA256)
    ]
    other = ARCHIVE.model_copy(update={"key_layout": "{recording}"})
    assert shelf.catalogue.to_archive(shelf.now, other) == [task]


@pytest.mark.parametrize(
    "changed, begins",
    [
        ({"prefix": "elsewhere"}, "elsewhere/demo/"),
        ({"bucket": "other-recordings"}, "recordings/demo/"),
        ({"endpoint": "https://s3.elsewhere.example"}, "recordings/demo/"),
    ],
    ids=["prefix", "bucket", "endpoint"],
)
def test_what_is_not_archived_yet_begins_anew_in_another_place(
    shelf: Shelf, changed: dict[str, str], begins: str
) -> None:
    shelf.keep_raw = True
    shelf.restart()
    recording_id = shelf.finished()
    first, second = shelf.catalogue.to_archive(shelf.now, ARCHIVE)[0].files
    shelf.catalogue.read(first.id, SHA256)
    shelf.catalogue.stored(first.id, "etag")
    shelf.catalogue.verified(first.id, "etag")
    shelf.catalogue.begun(second.id, "upload-1", 5, "crc32")
    shelf.catalogue.sent(second.id, Part(1, 5, "0" * 32, "etag-1"))
    other = ARCHIVE.model_copy(update=changed)
    (task,) = shelf.catalogue.to_archive(shelf.now, other)
    assert task.prefix.startswith(begins)
    assert [(file.state, file.upload_id, file.etag) for file in task.files] == [(FileState.LOCAL, None, None)] * 2
    assert all(file.object_key == f"{task.prefix}/{file.name}" for file in task.files)
    assert (shelf.catalogue.parts(second.id), shelf.catalogue.upload_ids()) == ({}, set())
    assert shelf.row(recording_id).object_place == place_of(other)
    assert shelf.catalogue.to_archive(shelf.now, other) == [task]


def test_where_a_store_is_is_told_apart_whichever_way_it_is_reached() -> None:
    assert PLACE == "s3.amazonaws.com/live-recordings/recordings"
    same = ARCHIVE.model_copy(update={"addressing": "virtual", "region": "eu-central-1", "access_key_id": "other"})
    assert place_of(same) == PLACE
    assert place_of(ARCHIVE.model_copy(update={"region": "cn-north-1"})) != PLACE
    named = {"endpoint": "https://S3.example.org:9000", "prefix": ""}
    assert place_of(ARCHIVE.model_copy(update=named)) == "s3.example.org:9000/live-recordings"


def test_what_is_archived_elsewhere_is_not_fetched_and_keeps_nobody_waiting(shelf: Shelf) -> None:
    first, ahead = shelf.archived(7), timedelta(hours=1)
    shelf.change(first, restore_asked_at=shelf.now, local_removed_at=shelf.now)
    with shelf.database.write() as db:
        for file in shelf.files(first):
            db.merge(file).local_removed_at = shelf.now
    assert len(shelf.catalogue.to_restore(shelf.now, PLACE)) == 1
    assert shelf.catalogue.to_restore(shelf.now, place_of(ELSEWHERE)) == []
    assert len(shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one")) == 1
    assert shelf.catalogue.replays_due(shelf.now, ahead, place_of(ELSEWHERE), "one") == []
    second = shelf.archived(8)
    # One that fails each time is never before one that comes later.
    (due,) = shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one", limit=1)
    assert due.recording_id == second


def test_urls_that_other_settings_made_are_made_anew_and_forgotten_where_there_are_to_be_none(shelf: Shelf) -> None:
    recording_id, ahead, public = shelf.archived(), timedelta(hours=1), "https://vod.example/x"
    (due,) = shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one")
    shelf.catalogue.note_replay(recording_id, public, None, dict.fromkeys(due.keys, public), None, "one")
    assert shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one") == []
    assert shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "other") == [due]
    shelf.catalogue.forget_replays(PLACE)
    assert shelf.row(recording_id).replay_url == public
    shelf.catalogue.forget_replays(place_of(ELSEWHERE))
    assert {shelf.row(recording_id).replay_url, *(file.replay_url for file in shelf.files(recording_id))} == {None}
    shelf.catalogue.note_replay(recording_id, public, None, dict.fromkeys(due.keys, public), None, "one")
    shelf.catalogue.forget_replays(None)
    assert shelf.row(recording_id).replay_url is None


def test_nothing_is_archived_of_which_a_file_lacks(shelf: Shelf) -> None:
    recording_id = shelf.closed()
    assert shelf.catalogue.archived(recording_id) is False
    shelf.catalogue.finished(recording_id, made())
    assert shelf.catalogue.archived(recording_id) is False
    (task,) = shelf.catalogue.to_archive(shelf.now, ARCHIVE)
    (file,) = task.files
    shelf.catalogue.begun(file.id, "upload-1", 5, "crc32")
    with pytest.raises(ValueError, match="cannot be verified"):
        shelf.catalogue.verified(file.id, "etag")
    shelf.catalogue.stored(file.id, "etag")
    assert shelf.catalogue.archived(recording_id) is False
    shelf.catalogue.verified(file.id, "reread")
    assert shelf.catalogue.to_archive(shelf.now, ARCHIVE)[0].files == ()
    assert shelf.catalogue.archived(recording_id) is True
    assert shelf.catalogue.archived(recording_id) is False
    row = shelf.row(recording_id)
    assert (row.state, row.archived_at) == ("archived", shelf.now)


def test_the_journal_of_an_upload(shelf: Shelf) -> None:
    recording_id = shelf.finished()
    journal: Journal = shelf.catalogue
    (file,) = shelf.catalogue.to_archive(shelf.now, ARCHIVE)[0].files
    parts = [Part(number, 5, f"{number:032x}", f"etag-{number}") for number in (1, 2)]
    journal.begun(file.id, "upload-1", 5, "crc32")
    for part in (*parts, parts[0]):
        journal.sent(file.id, part)
    assert journal.parts(file.id) == {1: parts[0], 2: parts[1]}
    (file,) = shelf.catalogue.to_archive(shelf.now, ARCHIVE)[0].files
    assert (file.state, file.upload_id, file.part_bytes) == (FileState.UPLOADING, "upload-1", 5)
    assert shelf.catalogue.upload_ids() == {"upload-1"}
    journal.restart(file.id)
    assert (journal.parts(file.id), shelf.catalogue.upload_ids()) == ({}, set())
    journal.begun(file.id, "upload-2", 5, "none")
    journal.sent(file.id, parts[0])
    journal.read(file.id, SHA256)
    with pytest.raises(ChangedError, match=r"demo\.mp4 of recording 1 has changed"):
        journal.read(file.id, OTHER)
    journal.stored(file.id, "whole")
    assert shelf.catalogue.upload_ids() == set()
    journal.verified(file.id, "etag")
    # What was verified stays so.
    journal.restart(file.id)
    journal.verified(file.id, "reread")
    row = shelf.files(recording_id)[1]
    assert (row.state, row.etag, row.verified_by, row.upload_id) == ("verified", "whole", "etag", None)
    with shelf.database.read() as db:
        assert db.scalar(select(func.count()).select_from(UploadPartRow)) == 0


def test_a_lease_is_one_process_s_until_it_is_over(shelf: Shelf) -> None:
    recording_id = shelf.finished()
    assert shelf.catalogue.lease(recording_id, 60)
    assert not shelf.catalogue.lease(recording_id, 60)
    shelf.catalogue.renew(recording_id, 90)
    shelf.clock.sleep(80)
    assert not shelf.catalogue.lease(recording_id, 60)
    shelf.clock.sleep(10)
    assert shelf.catalogue.lease(recording_id, 60)
    shelf.catalogue.release(recording_id)
    assert shelf.catalogue.lease(recording_id, 60)
    assert (shelf.catalogue.release_all(), shelf.catalogue.release_all()) == (1, 0)


def test_the_archiver_says_how_it_is(shelf: Shelf) -> None:
    shelf.catalogue.note_pruned()
    for _ in range(2):
        shelf.catalogue.note_archiver(
            free_bytes=10**13,
            total_bytes=2 * 10**13,
            recording_stopped=True,
            store_fault="no\nroute",
            sent_bytes=10**12,
        )
    shelf.catalogue.note_pruned()
    with shelf.database.read() as db:
        row = db.get_one(ArchiverRow, "origin-1")
    assert (row.sent_bytes, row.store_fault, row.pruned_at) == (2 * 10**12, "no route", shelf.now)


def test_what_is_asked_back_is_restored_and_counts_from_then(shelf: Shelf) -> None:
    recording_id = shelf.archived()
    assert shelf.catalogue.to_restore(shelf.now, PLACE) == []
    with shelf.database.write() as db:
        for file in shelf.files(recording_id):
            db.merge(file).local_removed_at = shelf.now
    shelf.change(recording_id, restore_asked_at=shelf.now, local_removed_at=shelf.now)
    (task,) = shelf.catalogue.to_restore(shelf.now, PLACE)
    assert [file.name for file in task.files] == ["demo.mp4"]
    shelf.catalogue.restored(recording_id, [file.id for file in task.files])
    row = shelf.row(recording_id)
    assert (row.restored_at, row.restore_asked_at, row.local_removed_at) == (shelf.now, None, None)
    assert [file.local_removed_at is None for file in shelf.files(recording_id)] == [False, True]
    assert shelf.catalogue.to_restore(shelf.now, PLACE) == []


def test_a_url_is_made_anew_in_time(shelf: Shelf) -> None:
    recording_id = shelf.archived()
    shelf.finished(8)
    ahead = timedelta(hours=1)
    (due,) = shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one")
    assert due.keys[due.video_id].endswith("/demo.mp4")
    until, signed = shelf.now + timedelta(hours=2), "https://store.example/x?signed"
    shelf.catalogue.note_replay(recording_id, signed, until, dict.fromkeys(due.keys, signed), until, "one")
    assert shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one") == []
    shelf.clock.sleep(3601)
    assert shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one") == [due]
    public = "https://vod.example/x"
    shelf.catalogue.note_replay(recording_id, public, None, dict.fromkeys(due.keys, public), None, "one")
    shelf.clock.sleep(86400)
    assert shelf.catalogue.replays_due(shelf.now, ahead, PLACE, "one") == []


def test_an_event_and_a_session_can_be_removed_whatever_was_recorded_of_them(shelf: Shelf) -> None:
    event_id = shelf.event(reason="missed")
    recording_id = shelf.archived()
    session_id = shelf.row(recording_id).session_id
    shelf.change(recording_id, event_id=event_id)
    with shelf.database.write() as db:
        db.delete(db.get_one(EventRow, event_id))
    with shelf.database.write() as db:
        db.delete(db.get_one(SessionRow, session_id))
    row = shelf.row(recording_id)
    assert (row.event_id, row.session_id, row.state) == (None, None, "archived")


LAYOUTS = st.lists(
    st.sampled_from(
        [
            "{slug}",
            "{owner}",
            "{year}",
            "{month}",
            "{day}",
            "{start}",
            "{event}",
            "{recording}",
            "/",
            ".",
            "..",
            "a",
            "-",
        ]
    ),
    min_size=1,
    max_size=60,
).map("".join)


@given(layout=LAYOUTS, prefix=st.sampled_from(["", "recordings", "a/b.c/d"]), event=st.none() | st.integers(1, 10**9))
def test_a_key_is_clean_and_no_other_recording_s(layout: str, prefix: str, event: int | None) -> None:
    keys = [
        prefix_of(prefix, layout, recording=number, slug="s" * 40, owner="o" * 40, started_at=NOON, event=event)
        for number in (1, 2)
    ]
    assert keys[0] != keys[1]
    for key in keys:
        assert len(key) <= LONGEST
        assert all(name.strip(".") for name in key.split("/"))
        assert key.startswith(prefix)


def test_the_default_layout_is_the_spec_s() -> None:
    archive = Archive(bucket="live-recordings", access_key_id="writer", secret="archive")
    key = prefix_of(
        archive.prefix, archive.key_layout, recording=12, slug="demo", owner="studio", started_at=NOON, event=None
    )
    assert key == "recordings/demo/2026/03/01/20260301T120000Z-12"
