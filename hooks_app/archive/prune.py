"""What may be removed, and why. Pure: no disk, no clock, no row.

Nothing goes that is not archived, verified and out of its grace, whatever else is said of it; and nothing that is held,
or that somebody reads or writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from headend.model.recordings import MIB, Recordings
from hooks_app.archive.places import place_in
from hooks_app.archive.states import FileState, RecordingState

Place = Literal["local", "remote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file, and what is to be known of its recording."""

    recording_id: int
    file_id: int
    name: str
    bytes: int
    wanted: bool
    """Whether it goes to the store at all."""
    file_state: FileState
    here: bool
    """Whether it is on this disk."""
    there: bool
    """Whether it is in the store."""
    place: str | None
    """Store, bucket and prefix that it was archived in."""
    state: RecordingState
    archived_at: datetime | None
    restored_at: datetime | None
    held: bool
    leased_until: datetime | None
    removal_asked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long what is kept where."""

    archive: bool
    """Whether there is a store; without one nothing is ever removed."""
    local: timedelta
    grace: timedelta
    high_water_percent: int
    low_water_percent: int
    remote: timedelta | None
    """None: for ever."""
    place: str | None
    """Store, bucket and prefix of the spec: what is in another one cannot be removed from there."""
    reserve_bytes: int
    """With less of the disk free nothing is recorded."""

    @property
    def least_free_bytes(self) -> int:
        """Room is made before recording stops: a quarter of the reserve sooner."""
        return self.reserve_bytes * 5 // 4

    @classmethod
    def of(cls, settings: Recordings) -> Policy:
        """As the spec says."""
        keep, archive = settings.keep, settings.archive
        days = archive.remote_days if archive is not None else None
        return cls(
            archive=archive is not None,
            local=timedelta(days=keep.local_days),
            grace=timedelta(hours=keep.grace_hours),
            high_water_percent=keep.high_water_percent,
            low_water_percent=keep.low_water_percent,
            remote=timedelta(days=days) if days is not None else None,
            place=place_in(settings),
            reserve_bytes=settings.reserve_mib * MIB,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk with the recordings, as its user sees it: what is reserved for root is not in it."""

    total_bytes: int
    free_bytes: int

    @property
    def used_bytes(self) -> int:
        """What is taken."""
        return self.total_bytes - self.free_bytes

    def is_above(self, percent: int, freed_bytes: int = 0) -> bool:
        """Whether more than so much of it is taken, once so much will have been freed."""
        return (self.used_bytes - freed_bytes) * 100 > percent * self.total_bytes

    def is_short(self, least_free_bytes: int, freed_bytes: int = 0) -> bool:
        """Whether less than so much of it is free, once so much will have been freed."""
        return self.free_bytes + freed_bytes < least_free_bytes

    def why_full(self, policy: Policy, freed_bytes: int = 0) -> str:
        """Why the oldest are to go sooner, without a full stop; empty where they are not."""
        if self.is_above(policy.high_water_percent, freed_bytes):
            return f"the disk is more than {policy.high_water_percent} % full"
        if self.is_short(policy.least_free_bytes, freed_bytes):
            least, reserve = policy.least_free_bytes // MIB, policy.reserve_bytes // MIB
            return f"less than {least} MiB of the disk is free, and below {reserve} MiB nothing is recorded"
        return ""

    def is_well(self, policy: Policy, freed_bytes: int = 0) -> bool:
        """Whether enough has gone."""
        above = self.is_above(policy.low_water_percent, freed_bytes)
        return not above and not self.is_short(policy.least_free_bytes, freed_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A file that goes."""

    recording_id: int
    file_id: int
    name: str
    bytes: int
    why: str
    """One sentence for people, without a full stop."""
    place: Place


def decide(files: Sequence[Candidate], policy: Policy, disk: Disk, now: datetime) -> list[Removal]:
    """What goes now, the oldest first. All files of a recording must be given."""
    groups: dict[int, list[Candidate]] = defaultdict(list)
    for file in files:
        groups[file.recording_id].append(file)
    ready = [group for group in groups.values() if may_go(group, policy, now)]
    ready.sort(key=lambda group: (kept_since(group[0]), group[0].recording_id))
    removals: list[Removal] = []
    freed, spare = 0, []
    for group in ready:
        why = _why_local(group[0], policy, now)
        gone = _removals(group, why, "local") if why else []
        removals += gone
        freed += sum(removal.bytes for removal in gone)
        why_remote = _why_remote(group[0], policy, now)
        if why_remote:
            removals += _removals(group, why_remote, "remote")
        # What is about to leave the store is not taken from the disk before its time.
        if not why and not why_remote and all(file.there for file in group if file.wanted):
            spare.append(group)
    if why_full := disk.why_full(policy, freed):
        for group in spare:
            if disk.is_well(policy, freed):
                break
            gone = _removals(group, why_full, "local")
            removals += gone
            freed += sum(removal.bytes for removal in gone)
    return removals


def may_go(group: Sequence[Candidate], policy: Policy, now: datetime) -> bool:
    """Whether files of a recording may go at all; `group` is all of its files."""
    one, wanted = group[0], [file for file in group if file.wanted]
    return (
        policy.archive
        and one.state is RecordingState.ARCHIVED
        and one.archived_at is not None
        and not one.held
        and (one.leased_until is None or one.leased_until <= now)
        and bool(wanted)
        and all(file.file_state is FileState.VERIFIED for file in wanted)
        and now - kept_since(one) >= policy.grace
        and now >= kept_since(one)
    )


def in_reach(file: Candidate, policy: Policy) -> bool:
    """Whether the store's copy is where the spec says."""
    return policy.place is not None and file.place == policy.place


def kept_since(file: Candidate) -> datetime:
    """From when its time on this disk counts. Raises ValueError for what is not archived."""
    if file.archived_at is None:
        raise ValueError(f"Recording {file.recording_id} is not archived.")
    return max(file.archived_at, file.restored_at or file.archived_at)


def _why_local(one: Candidate, policy: Policy, now: datetime) -> str:
    # Here and in the store, or not at all. Its days here are another matter: it was verified where it is.
    if one.removal_asked and in_reach(one, policy):
        return "its removal was asked for"
    if now - kept_since(one) >= policy.local:
        what = "verified" if one.restored_at is None else "restored"
        return f"it was {what} {_days(now - kept_since(one))} ago"
    return ""


def _why_remote(one: Candidate, policy: Policy, now: datetime) -> str:
    if not in_reach(one, policy):
        return ""
    if one.removal_asked:
        return "its removal was asked for"
    if policy.remote is not None and one.archived_at is not None and now - one.archived_at >= policy.remote:
        return f"it has been in the store for {_days(now - one.archived_at)}"
    return ""


def _removals(group: Iterable[Candidate], why: str, place: Place) -> list[Removal]:
    return [
        Removal(
            recording_id=file.recording_id, file_id=file.file_id, name=file.name, bytes=file.bytes, why=why, place=place
        )
        for file in group
        if (file.here if place == "local" else file.there)
    ]


def _days(span: timedelta) -> str:
    if span.days == 1:
        return "1 day"
    return f"{span.days} days" if span.days else f"{span.seconds // 3600} h"
