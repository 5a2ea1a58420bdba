"""A recording from its job to its result. The working directory is its folder."""

from __future__ import annotations

import errno
import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from finisher import files, job, strip, video, vod
from finisher.fault import FaultError, NoRoomError
from finisher.files import Made
from finisher.job import Job
from finisher.join import Join
from finisher.survey import Part, survey

RESULT = "result.json"

PATIENCE_SECONDS = 600.0
PATIENCE_BYTES_PER_SECOND = 1_000_000
LONGEST_SECONDS = 5.5 * 3600
"""Bound of a run: a disk and a processor that live streams need first, but no film that makes FFmpeg turn for ever."""

AGAIN_SECONDS = 60.0

FULL = (errno.ENOSPC, errno.EDQUOT)


def finish(recording: int) -> dict[str, object]:
    """The result, as it is to be written."""
    try:
        work = job.read(recording)
        with ExitStack() as stack:
            parts = [_open(name, stack) for name in work.parts]
            # Not before every part is there: what an earlier run made may be all that is left.
            files.sweep(work)
            files.remove(RESULT)
            size_bytes = sum(part.bytes for part in parts)
            # Before they are read: it may be tried again and again.
            files.need(size_bytes, work.reserve_bytes)
            with bounded(patience(size_bytes)):
                return _whole(work, parts)
    except FaultError as fault:
        return failed(str(fault), no_room=isinstance(fault, NoRoomError))
    except OSError as error:
        return failed(_sentence(error), no_room=error.errno in FULL)
    except Exception as error:
        # Whatever it is, the raw parts are what is kept, and whoever reads the journal sees why.
        traceback.print_exc()
        return failed(f"a fault of the finisher itself: {type(error).__name__}")
    finally:
        files.sweep_unfinished()


def _whole(work: Job, parts: list[Part]) -> dict[str, object]:
    try:
        return _make(work, parts)
    except BaseException:
        files.remove(*files.names(work))
        raise


def failed(fault: str, *, no_room: bool = False) -> dict[str, object]:
    """The result where the raw parts are what is kept, or, without room, where it is to be tried again."""
    nothing: dict[str, object] = {"video": None, "strip": None, "index": None, "vod": []}
    return {"ok": False, "no_room": no_room, **nothing, "fault": fault}


def _make(work: Job, parts: list[Part]) -> dict[str, object]:
    film, picture, index, *_ = files.names(work)
    join = Join(survey(parts))
    facts = video.make(join, film)
    files.keep(film)
    made = files.made(film)
    result: dict[str, object] = {
        "ok": True,
        "no_room": False,
        "video": {**made.document(), "seconds": round(facts.seconds, 3), "codecs": facts.codecs()},
        "strip": None,
        "index": None,
        "vod": [],
        "fault": None,
    }
    # The film is there: what goes wrong from here on is a pity, and no more.
    if work.strip:
        with _tolerant(result, picture, index):
            if strip.make(join, facts.seconds, picture, index):
                result |= {"strip": _kept(picture), "index": files.made(index).document()}
    if work.vod:
        with _tolerant(result, vod.MASTER):
            result["vod"] = [files.made(name).document() for name in vod.make()]
    return result


@contextmanager
def _tolerant(result: dict[str, object], *names: str) -> Iterator[None]:
    try:
        yield
    except (FaultError, OSError) as error:
        files.remove(*names)
        result["fault"] = result["fault"] or (str(error) if isinstance(error, FaultError) else _sentence(error))


def _kept(name: str) -> dict[str, object]:
    files.keep(name)
    made: Made = files.made(name)
    return made.document()


def _open(name: job.PartName, stack: ExitStack) -> Part:
    descriptor = job.open_part(name.name)
    stack.callback(os.close, descriptor)
    return Part(name, descriptor, os.fstat(descriptor).st_size)


def _sentence(error: OSError) -> str:
    if error.errno in FULL:
        return "the disk is full"
    return f"a file could not be written or read: {error.strerror or type(error).__name__}"


def patience(size: int) -> float:
    """Seconds that a run may take for parts of so many bytes."""
    return min(PATIENCE_SECONDS + size / PATIENCE_BYTES_PER_SECOND, LONGEST_SECONDS)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raises FaultError in the block when it takes longer, wherever it is."""

    def late(*_: Any) -> None:
        raise FaultError(f"it was not done within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, late)
    # Again and again: what is tolerated once is not followed by something that takes for ever.
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
