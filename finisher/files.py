"""Files of this folder: made under a name of our own, on the disk for good before they have theirs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass

from finisher import job
from finisher.fault import NoRoomError
from finisher.job import Job

NEW = ".finishing-"
"""What the names of unfinished files begin with; no other program uses such names here."""

SPARE_BYTES = 16 * 1024 * 1024
"""More than what is around the frames, and room for the strip and the result."""

_PLAYLIST = re.compile(r"ladder(-[a-z0-9-]{1,20})?\.m3u8", re.ASCII)
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file."""

    name: str
    bytes: int
    sha256: str

    def document(self) -> dict[str, object]:
        """As it stands in the result."""
        return {"name": self.name, "bytes": self.bytes, "sha256": self.sha256}


def new(name: str) -> str:
    """The name under which a file is made."""
    return f"{NEW}{name}"


def url(name: str) -> str:
    """A file of this folder for FFmpeg: no name is taken for an option, a protocol or a pattern."""
    return f"file:./{name}"


def sweep(work: Job) -> None:
    """Remove what an earlier run left behind, unfinished or not."""
    sweep_unfinished()
    remove(*names(work))


def sweep_unfinished() -> None:
    """Remove what is not finished. What cannot be removed now stays until the next run."""
    with suppress(OSError):
        for name in os.listdir("."):
            if name.startswith(NEW):
                with suppress(OSError):
                    shutil.rmtree(name) if os.path.isdir(name) and not os.path.islink(name) else os.unlink(name)


def names(work: Job) -> tuple[str, ...]:
    """All that is ever made for a job, but for its result."""
    stem = work.stem
    playlists = [name for name in os.listdir(".") if _PLAYLIST.fullmatch(name)]
    return (f"{stem}.mp4", f"{stem}.strip.jpg", f"{stem}.strip.vtt", *playlists)


def remove(*unwanted: str) -> None:
    """Remove files; absent is fine."""
    for name in unwanted:
        with suppress(FileNotFoundError):
            os.unlink(name)


def need(wanted_bytes: int, reserve_bytes: int = 0) -> None:
    """Raises NoRoomError if the disk has no room for so much, and for the reserve."""
    info = os.statvfs(".")
    missing = wanted_bytes + reserve_bytes + SPARE_BYTES - info.f_bavail * info.f_frsize
    if missing > 0:
        raise NoRoomError(f"the disk has too little room: {-(-missing // 1_000_000)} MB more would do")


def write(name: str, text: str) -> None:
    """A file with that text, whole or not at all. Raises OSError."""
    descriptor = os.open(new(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o660)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    keep(name)


def keep(name: str) -> None:
    """Give an unfinished file its name, after all of it is on the disk."""
    descriptor = job.open_part(new(name))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(new(name), name)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def made(name: str) -> Made:
    """Size and hash of a file, read back from here."""
    with open(job.open_part(name), "rb", buffering=0) as file:
        whole = hashlib.sha256()
        count = 0
        while block := file.read(_BLOCK_BYTES):
            whole.update(block)
            count += len(block)
    return Made(name, count, whole.hexdigest())
