"""The pruner: removes what may go, and says what and why.

Every condition is checked again in the transaction that writes down the removal; the file goes after that. What a crash
leaves in between is removed by the next run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from hooks_app.archive.folders import Folder, NotOursError
from hooks_app.archive.prune import Disk, Policy, Removal, decide
from hooks_app.archive.removals import Removals
from hooks_app.clock import Clock

TOGETHER = 100
"""Removals in one transaction: nobody else who writes waits long."""
REMOTE_SECONDS = 1200.0
"""For so long a recording is leased while the store removes some of it: longer than one answer takes."""
PAPERS = ("job.json", "job.json.new", "result.json", "result.json.new")
"""What lies beside the files of a recording and is in no catalogue."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Pruned:
    """What a run did, or would do."""

    removals: list[Removal] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    """Files that an earlier run was kept from removing: FOLDER/NAME."""
    strange: list[str] = field(default_factory=list)
    """What was left alone, a sentence each."""
    faults: list[str] = field(default_factory=list)
    """What the store or the disk said, a sentence each."""


class RemoveRemote(Protocol):
    """Removes keys from the store; raises an exception whose text is for people."""

    def __call__(self, keys: Sequence[str], gone: Callable[[Sequence[str]], None], /) -> None:
        """`gone` is told which are not there any more, some at a time; what it raises is passed on."""
        ...


class Pruner:
    """Prunes.

    `retell` writes the manifest of a recording's event anew, without that recording; it raises likewise.
    """

    def __init__(
        self,
        catalogue: Removals,
        kept: Folder,
        policy: Policy,
        clock: Clock,
        remove_remote: RemoveRemote | None,
        disk: Callable[[], Disk] | None = None,
        retell: Callable[[int], None] = lambda _recording_id: None,
    ) -> None:
        self._catalogue = catalogue
        self._kept = kept
        self._policy = policy
        self._clock = clock
        self._remove_remote = remove_remote
        self._disk = disk or self.disk
        self._retell = retell

    def disk(self) -> Disk:
        """The disk with the recordings."""
        found = self._kept.statvfs()
        free = found.f_bavail * found.f_frsize
        return Disk(total_bytes=(found.f_blocks - found.f_bfree) * found.f_frsize + free, free_bytes=free)

    def is_full(self) -> bool:
        """Whether the disk is above the high water, or soon too full to record: then a run is worth its while."""
        return self._policy.archive and bool(self._disk().why_full(self._policy))

    def is_asked(self) -> bool:
        """Whether somebody wants something removed that is still there, and within reach."""
        return self._catalogue.removals_asked(self._policy.place)

    def run(self, *, dry_run: bool = False) -> Pruned:
        """One run. Raises OSError and SQLAlchemyError; the next run goes on where this one stopped."""
        pruned, now = Pruned(), self._clock.now()
        self._tidy(pruned, now, dry_run)
        wanted = decide(self._catalogue.candidates(self._policy, now), self._policy, self._disk(), now)
        local = self._possible([removal for removal in wanted if removal.place == "local"], pruned)
        remote = [removal for removal in wanted if removal.place == "remote" and self._remove_remote is not None]
        if dry_run:
            pruned.removals = local + remote
            return pruned
        for some in _together(local):
            self._remove_local(some, pruned, now)
        for recording_id, some in _by_recording(remote).items():
            self._remove_from_store(recording_id, some, pruned, now)
        return pruned

    def run_remote(self, stop: Callable[[], bool]) -> Pruned:
        """Only what goes from the store; it takes as long as the store does. Raises OSError and SQLAlchemyError."""
        pruned, now = Pruned(), self._clock.now()
        wanted = decide(self._catalogue.candidates(self._policy, now), self._policy, self._disk(), now)
        remote = [removal for removal in wanted if removal.place == "remote"]
        for recording_id, some in _by_recording(remote).items():
            if stop():
                break
            self._remove_from_store(recording_id, some, pruned, self._clock.now())
        return pruned

    def _possible(self, removals: Sequence[Removal], pruned: Pruned) -> list[Removal]:
        """Without those that the disk speaks against: strange ones, and those that somebody has locked."""
        possible: list[Removal] = []
        for recording_id, some in _by_recording(removals).items():
            try:
                with self._kept.inner(str(recording_id)) as folder:
                    for removal in some:
                        try:
                            if folder.being_written(removal.name):
                                pruned.strange.append(f"{recording_id}/{removal.name} is being written.")
                            else:
                                possible.append(removal)
                        except NotOursError as error:
                            pruned.strange.append(str(error))
            except FileNotFoundError:
                possible += some
            except NotOursError as error:
                pruned.strange.append(str(error))
        return possible

    def _remove_local(self, removals: Sequence[Removal], pruned: Pruned, now: datetime) -> None:
        for recording_id, some in _by_recording(self._catalogue.mark_local(removals, self._policy, now)).items():
            pruned.removals += some
            log.info("pruned", recording=recording_id, place="local", files=len(some), why=some[0].why)
            with suppress(FileNotFoundError), self._kept.inner(str(recording_id)) as folder:
                for removal in some:
                    self._remove(folder, removal.name, pruned)
        known = self._catalogue.left_over({removal.recording_id for removal in removals}, now)
        for recording_id, found in known.items():
            if found.is_gone:
                self._remove_folder(recording_id, pruned)

    def _remove_from_store(self, recording_id: int, removals: Sequence[Removal], pruned: Pruned, now: datetime) -> None:
        if self._remove_remote is None:
            return
        leased = self._catalogue.lease_remote(recording_id, self._policy, now, REMOTE_SECONDS)
        if leased is None:
            return

        def gone(keys: Sequence[str]) -> None:
            self._catalogue.mark_remote(recording_id, keys, self._clock.now(), REMOTE_SECONDS)

        try:
            # The manifests first: while a file is left, they are asked for again.
            self._remove_remote([leased.manifest], gone)
            self._retell(recording_id)
            self._remove_remote(leased.keys, gone)
        except Exception as error:  # A recording that the store keeps must not keep the others.
            self._catalogue.failed_remote(recording_id, str(error))
            pruned.faults.append(f"Recording {recording_id} stays in the store: {error}")
            return
        pruned.removals += removals
        log.info("pruned", recording=recording_id, place="remote", files=len(removals), why=removals[0].why)

    def _tidy(self, pruned: Pruned, now: datetime, dry_run: bool) -> None:
        """Remove what a crash left; report what nobody knows."""
        folders = {}
        for name in self._kept.names():
            if name.isascii() and name.isdigit() and str(int(name)) == name and len(name) <= 18:
                folders[int(name)] = name
            else:
                pruned.strange.append(f"kept/{ascii(name)[1:-1][:140]} is no recording's folder.")
        known = self._catalogue.left_over(folders, now)
        for recording_id, name in folders.items():
            found = known.get(recording_id)
            if found is None:
                pruned.strange.append(f"kept/{name} is in no catalogue.")
                continue
            if not found.gone:
                continue
            try:
                self._tidy_folder(name, found.gone, pruned, dry_run)
            except NotOursError as error:
                pruned.strange.append(str(error))
            if found.is_gone and not dry_run:
                self._remove_folder(recording_id, pruned)

    def _tidy_folder(self, name: str, gone: Sequence[str], pruned: Pruned, dry_run: bool) -> None:
        with suppress(FileNotFoundError), self._kept.inner(name) as folder:
            for left in sorted(set(folder.names()) & set(gone)):
                if dry_run or self._remove(folder, left, pruned):
                    pruned.left_over.append(f"{name}/{left}")

    def _remove(self, folder: Folder, name: str, pruned: Pruned) -> bool:
        try:
            folder.remove(name)
        except NotOursError as error:
            pruned.strange.append(str(error))
            return False
        except OSError as error:
            pruned.faults.append(f"{name} cannot be removed: {error.strerror}.")
            return False
        return True

    def _remove_folder(self, recording_id: int, pruned: Pruned) -> None:
        name = str(recording_id)
        try:
            with self._kept.inner(name) as folder:
                for paper in PAPERS:
                    self._remove(folder, paper, pruned)
            if not self._kept.remove_folder(name):
                pruned.strange.append(f"kept/{name} has files that are in no catalogue.")
        except FileNotFoundError:
            return
        except NotOursError as error:
            pruned.strange.append(str(error))


def _by_recording(removals: Sequence[Removal]) -> dict[int, list[Removal]]:
    groups: dict[int, list[Removal]] = defaultdict(list)
    for removal in removals:
        groups[removal.recording_id].append(removal)
    return groups


def _together(removals: Sequence[Removal]) -> Iterator[Sequence[Removal]]:
    """Whole recordings, about so many removals at a time."""
    some: list[Removal] = []
    for group in _by_recording(removals).values():
        some += group
        if len(some) >= TOGETHER:
            yield some
            some = []
    if some:
        yield some
