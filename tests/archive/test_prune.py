"""Is only decided on what may go, and is it said why? Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headend.model.recordings import MIB, Archive, Keep, Recordings
from hooks_app.archive.prune import Candidate, Disk, Policy, decide
from hooks_app.archive.states import FileState, RecordingState
from tests.hooks_app.fakes import NOON
from tests.support.shelf import policy

ROOMY = Disk(total_bytes=1000, free_bytes=900)
FULL = Disk(total_bytes=1000, free_bytes=100)
DAY = timedelta(days=1)


def file(recording_id: int = 1, file_id: int = 1, **changed: Any) -> Candidate:
    """A file that is verified since ten days, and here and there."""
    values: dict[str, Any] = {
        "recording_id": recording_id,
        "file_id": file_id,
        "name": f"{file_id}.mp4",
        "bytes": 100,
        "wanted": True,
        "file_state": FileState.VERIFIED,
        "here": True,
        "there": True,
        "place": policy().place,
        "state": RecordingState.ARCHIVED,
        "archived_at": NOON - 10 * DAY,
        "restored_at": None,
        "held": False,
        "leased_until": None,
        "removal_asked": False,
    }
    return Candidate(**{**values, **changed})


def places(files: list[Candidate], wanted: Policy | None = None, disk: Disk = ROOMY) -> list[tuple[int, str, str]]:
    """What goes: file, place and why."""
    return [(one.file_id, one.place, one.why) for one in decide(files, wanted or policy(), disk, NOON)]


def test_a_recording_goes_when_its_days_are_over() -> None:
    assert places([file()]) == [(1, "local", "it was verified 10 days ago")]
    assert places([file(archived_at=NOON - 7 * DAY)]) == [(1, "local", "it was verified 7 days ago")]
    assert places([file(archived_at=NOON - 7 * DAY + timedelta(seconds=1))]) == []


def test_the_raw_parts_go_with_what_was_made_of_them() -> None:
    raw = file(1, 2, wanted=False, file_state=FileState.LOCAL, there=False)
    assert [one[:2] for one in places([file(), raw])] == [(1, "local"), (2, "local")]
    assert places([file(file_state=FileState.STORED), raw]) == []
    # Without anything in the store there is no copy.
    assert places([raw]) == []


def test_each_thing_that_keeps_a_recording() -> None:
    for changed in (
        {"held": True},
        {"leased_until": NOON + timedelta(seconds=1)},
        {"state": RecordingState.FINISHED},
        {"file_state": FileState.STORED},
        {"file_state": FileState.UPLOADING},
        {"archived_at": None},
        {"archived_at": NOON + DAY},
    ):
        for more in ({}, {"removal_asked": True}):
            assert places([file(**{**changed, **more})], policy(local=timedelta(0)), FULL) == []
    assert places([file(leased_until=NOON)]) != []


def test_the_grace_keeps_it_even_from_a_full_disk() -> None:
    young = file(archived_at=NOON - timedelta(hours=23))
    assert places([young], policy(local=timedelta(0)), FULL) == []
    assert places([young], policy(local=timedelta(0), grace=timedelta(hours=23)), FULL) != []


def test_what_was_restored_counts_from_then() -> None:
    assert places([file(restored_at=NOON - 6 * DAY)]) == []
    assert places([file(restored_at=NOON - timedelta(hours=1))], disk=FULL) == []
    assert places([file(restored_at=NOON - 8 * DAY)]) == [(1, "local", "it was restored 8 days ago")]


def test_without_a_store_nothing_ever_goes() -> None:
    assert places([file(removal_asked=True)], policy(archive=False), FULL) == []


def test_above_the_high_water_the_oldest_go_until_the_low_water() -> None:
    files = [file(number, number, archived_at=NOON - number * DAY / 2) for number in range(1, 10)]
    # Nine of 100 bytes are here; 900 of 1000 are taken, and 700 may be.
    found = places(files, policy(local=30 * DAY), FULL)
    assert found == [(9, "local", "the disk is more than 80 % full"), (8, "local", "the disk is more than 80 % full")]
    assert places(files, policy(local=30 * DAY), Disk(total_bytes=1000, free_bytes=200)) == []
    # What goes by its age counts.
    assert [one[0] for one in places(files, policy(local=4 * DAY), FULL)] == [9, 8]
    both = places(files, policy(local=timedelta(hours=107)), FULL)
    assert [one[0] for one in both] == [9]


def test_the_high_water_is_counted_after_what_goes_anyway() -> None:
    old = file(1, 1, bytes=150)
    spare = file(2, 2, archived_at=NOON - 2 * DAY)
    # 900 less 150 is below the high water: nothing goes sooner than it has to.
    assert [one[0] for one in places([old, spare], disk=FULL)] == [1]


def test_the_last_copy_does_not_go_sooner_for_a_full_disk() -> None:
    assert places([file(there=False)], policy(local=30 * DAY), FULL) == []
    assert places([file()], policy(local=30 * DAY, remote=5 * DAY), FULL) == [
        (1, "remote", "it has been in the store for 10 days")
    ]


def test_the_time_in_the_store_may_be_limited() -> None:
    gone = file(1, 1, here=False)
    assert places([gone]) == []
    assert places([gone], policy(remote=10 * DAY)) == [(1, "remote", "it has been in the store for 10 days")]
    assert places([gone], policy(remote=11 * DAY)) == []
    assert places([replace(gone, held=True)], policy(remote=DAY)) == []


def test_what_somebody_wants_removed_goes_in_both_places() -> None:
    young = file(archived_at=NOON - 2 * DAY, removal_asked=True)
    asked = "its removal was asked for"
    assert places([young]) == [(1, "local", asked), (1, "remote", asked)]


def test_the_policy_is_the_spec_s() -> None:
    archive = Archive(bucket="live-recordings", access_key_id="writer", secret="archive", remote_days=365)
    found = Policy.of(Recordings(archive=archive, keep=Keep(local_days=3, grace_hours=2)))
    reserve = 2048 * MIB
    assert found == policy(local=3 * DAY, grace=timedelta(hours=2), remote=365 * DAY, reserve_bytes=reserve)
    assert Policy.of(Recordings()) == policy(archive=False, place=None, reserve_bytes=reserve)


@pytest.mark.parametrize("total_gib, free_mib, goes", [(5, 2500, 1), (5, 2600, 0), (10, 2550, 1), (10, 3100, 0)])
def test_room_is_made_before_recording_stops_however_small_the_disk(total_gib: int, free_mib: int, goes: int) -> None:
    disk = Disk(total_bytes=total_gib * 1024 * MIB, free_bytes=free_mib * MIB)
    assert not disk.is_above(80)
    wanted = policy(local=30 * DAY, reserve_bytes=2048 * MIB)
    files = [file(number, number, archived_at=NOON - number * DAY, bytes=600 * MIB) for number in (2, 3)]
    why = "less than 2560 MiB of the disk is free, and below 2048 MiB nothing is recorded"
    assert places(files, wanted, disk) == [(3, "local", why)] * goes
    assert bool(disk.why_full(wanted)) == bool(goes)


def test_it_goes_on_until_both_the_low_water_and_the_reserve_are_kept() -> None:
    files = [file(number, number, archived_at=NOON - number * DAY, bytes=100 * MIB) for number in range(2, 7)]
    wanted = policy(local=30 * DAY, reserve_bytes=320 * MIB)
    # The low water is kept with 300 MiB free, the reserve and its margin with 400.
    found = places(files, wanted, Disk(total_bytes=1000 * MIB, free_bytes=190 * MIB))
    assert [one for one, _, _ in found] == [6, 5, 4]
    assert {why for _, _, why in found} == {"the disk is more than 80 % full"}


def test_what_is_in_another_store_is_not_removed_from_this_one_and_its_days_here_end_all_the_same() -> None:
    other = file(place="s3.former.example/live-recordings/recordings")
    assert places([other], policy(remote=DAY)) == [(1, "local", "it was verified 10 days ago")]
    assert places([other], policy(remote=DAY, local=30 * DAY)) == []
    asked = file(place="s3.former.example/live-recordings/recordings", removal_asked=True)
    assert places([asked], policy(local=30 * DAY)) == []


MOMENTS = st.integers(-40 * 24, 40 * 24).map(lambda hours: NOON + timedelta(hours=hours))
FILES = st.builds(
    file,
    recording_id=st.integers(1, 4),
    bytes=st.integers(0, 500),
    wanted=st.booleans(),
    file_state=st.sampled_from([*FileState, FileState.VERIFIED, FileState.VERIFIED]),
    here=st.booleans(),
    there=st.booleans(),
)
# What all files of a recording share; some of it is often as it must be for anything to go.
SHARED = st.fixed_dictionaries(
    {
        "state": st.sampled_from([*RecordingState, *[RecordingState.ARCHIVED] * 5]),
        "archived_at": st.one_of(st.none(), MOMENTS, MOMENTS),
        "restored_at": st.one_of(st.none(), MOMENTS),
        "held": st.sampled_from([False, False, True]),
        "leased_until": st.one_of(st.none(), st.none(), MOMENTS),
        "removal_asked": st.booleans(),
    }
)
POLICIES = st.builds(
    policy,
    archive=st.sampled_from([True, True, True, False]),
    local=st.integers(0, 20).map(lambda days: timedelta(days=days)),
    grace=st.integers(0, 100).map(lambda hours: timedelta(hours=hours)),
    high_water_percent=st.integers(10, 98),
    low_water_percent=st.integers(5, 97),
    remote=st.one_of(st.none(), st.integers(1, 20).map(lambda days: timedelta(days=days))),
)
DISKS = st.builds(Disk, total_bytes=st.just(1000), free_bytes=st.integers(0, 1000))


@settings(max_examples=1000)
@given(
    files=st.lists(FILES, max_size=12),
    shared=st.lists(SHARED, min_size=4, max_size=4),
    wanted=POLICIES,
    disk=DISKS,
    now=MOMENTS,
)
def test_whatever_the_rows_and_the_clock_say_nothing_goes_that_is_not_safe(
    files: list[Candidate], shared: list[dict[str, Any]], wanted: Policy, disk: Disk, now: Any
) -> None:
    rows = [
        replace(one, file_id=number, name=f"{number}.mp4", **shared[one.recording_id - 1])
        for number, one in enumerate(files)
    ]
    groups: dict[int, list[Candidate]] = defaultdict(list)
    for row in rows:
        groups[row.recording_id].append(row)
    removals = decide(rows, wanted, disk, now)
    assert len({(removal.file_id, removal.place) for removal in removals}) == len(removals)
    for removal in removals:
        row = rows[removal.file_id]
        group = groups[row.recording_id]
        assert (removal.name, removal.bytes, removal.recording_id) == (row.name, row.bytes, row.recording_id)
        assert wanted.archive
        assert row.state is RecordingState.ARCHIVED
        assert row.archived_at is not None
        assert row.archived_at + wanted.grace <= now
        assert row.restored_at is None or row.restored_at + wanted.grace <= now
        assert not row.held
        assert row.leased_until is None or row.leased_until <= now
        assert any(one.wanted for one in group)
        assert all(one.file_state is FileState.VERIFIED for one in group if one.wanted)
        assert row.here if removal.place == "local" else row.there
        assert removal.why
    assert removals == decide(rows, wanted, disk, now)
