"""Has each closed recording joined, one at a time, by a unit that knows nothing but its folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

import structlog
from pydantic import ValidationError

from headend.model.recordings import MIB, Recordings
from hooks_app.archive.finish_units import FinishUnits
from hooks_app.archive.finished import Finished
from hooks_app.archive.folders import Folder, NotOursError, words_of
from hooks_app.archive.job import JOB, RESULT, Job
from hooks_app.archive.ladder import clear
from hooks_app.archive.progress import Progress, ToFinish
from hooks_app.clock import Clock
from hooks_app.units import UnitError

LONGEST_RESULT_BYTES = 4 * 1024 * 1024
NO_ROOM_PATIENCE = timedelta(hours=6)
"""After so long without room for joining, the raw parts go to the store: else a full disk might never be emptied."""

log = structlog.get_logger(__name__)


class Finishing:
    """Starts the unit, reads what it left, and tells the catalogue."""

    def __init__(
        self, progress: Progress, kept: Folder, units: FinishUnits, settings: Recordings, clock: Clock
    ) -> None:
        self._progress = progress
        self._kept = kept
        self._units = units
        self._settings = settings
        self._clock = clock
        # Without a store nothing is gained by giving up: the raw parts stay here either way.
        self._no_room_patience = NO_ROOM_PATIENCE if settings.archive is not None else None
        self._started: int | None = None
        """The recording whose unit was started by us and has not answered."""

    def turn(self, unmoved: Collection[int] = ()) -> list[int]:
        """One look; what is finished now. Those in `unmoved` still lack a part. Raises SQLAlchemyError."""
        done = []
        for wanted in self._progress.to_finish(self._clock.now()):
            if wanted.recording_id in unmoved:
                continue
            try:
                if self._is_done(wanted):
                    done.append(wanted.recording_id)
                    continue
            except (OSError, NotOursError, UnitError) as error:
                fault = f"The parts could not be joined: {words_of(error)}"
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    self._wait_for_room(wanted, fault)
                else:
                    self._fail(wanted, fault)
                continue
            # One at a time: it reads and writes as much as the disk gives it.
            break
        return done

    def _is_done(self, wanted: ToFinish) -> bool:
        with self._kept.inner(str(wanted.recording_id)) as folder:
            if folder.info(RESULT) is not None:
                return self._settle(wanted, folder)
            if self._units.running(wanted.recording_id):
                return False
            if self._started == wanted.recording_id:
                self._started = None
                fault = "The unit that joins the parts ended without an answer; its journal says why."
                found = folder.statvfs()
                if found.f_bavail * found.f_frsize < LONGEST_RESULT_BYTES:
                    self._wait_for_room(wanted, fault)
                else:
                    self._fail(wanted, fault)
                return False
            reserve_bytes = self._settings.reserve_mib * MIB
            job = Job.of(wanted, strip=self._settings.strip, vod=self._settings.vod, reserve_bytes=reserve_bytes)
            folder.write(JOB, job.model_dump_json() + "\n")
            self._units.start(wanted.recording_id)
            self._started = wanted.recording_id
            return False

    def _settle(self, wanted: ToFinish, folder: Folder) -> bool:
        """What the answer comes to; whether that is the end of it."""
        result = read_result(folder)
        self._started = None
        if result is None:
            folder.remove(RESULT)
            self._fail(wanted, "The unit that joins the parts left an answer that cannot be read.")
            return True
        if result.no_room and not result.ok:
            folder.remove(RESULT)
            return self._wait_for_room(wanted, f"The parts are not joined yet: {result.fault or 'the disk is full'}.")
        self._progress.finished(wanted.recording_id, result)
        if not result.ok:
            log.warning("recording not joined", recording=wanted.recording_id, fault=result.fault)
        elif result.fault:
            log.warning("recording finished", recording=wanted.recording_id, stream=wanted.slug, lacks=result.fault)
        else:
            log.info("recording finished", recording=wanted.recording_id, stream=wanted.slug)
        # Last: until the catalogue has it, the answer is asked for again.
        folder.remove(RESULT)
        folder.remove(JOB)
        clear(folder, frozenset(made.name for _, made in result.files()))
        return True

    def _wait_for_room(self, wanted: ToFinish, fault: str) -> bool:
        """Later, however often it is tried; True where it has been too long."""
        last = self._progress.no_room_to_finish(wanted.recording_id, fault, self._no_room_patience)
        self._note_failure(wanted, fault, last=last)
        return last

    def _fail(self, wanted: ToFinish, fault: str) -> None:
        self._note_failure(wanted, fault, last=self._progress.failed_to_finish(wanted.recording_id, fault))

    def _note_failure(self, wanted: ToFinish, fault: str, *, last: bool) -> None:
        if last:
            with suppress(OSError, NotOursError), self._kept.inner(str(wanted.recording_id)) as folder:
                clear(folder)
        log.warning("joining failed", recording=wanted.recording_id, fault=fault, raw_is_kept=last)


def read_result(folder: Folder) -> Finished | None:
    """What the finisher answered; None for what is no answer, and where a file that it names is not there like that."""
    with open(folder.open(RESULT), "rb") as file:
        if os.fstat(file.fileno()).st_size > LONGEST_RESULT_BYTES:
            return None
        text = file.read(LONGEST_RESULT_BYTES)
    try:
        result = Finished.model_validate_json(text)
    except ValidationError:
        return None
    for _, made in result.files():
        found = folder.info(made.name)
        if found is None or found.st_size != made.bytes:
            return None
    return result
