"""The SQLite database's file, where two users share it: the hook app's, whose it is, and the archiver's.

Its folder says so: group-writable, with the group handed down (mode 2770). SQLite gives its log (-wal) and the log's
index (-shm) the mode of the database, whoever makes them; but the database itself it makes 0644 less the umask, and one
of an earlier release is 0600. Standard library only.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o660


def mode_beside(path: Path) -> int:
    """The mode that a file at this path should have, as its folder says. Raises OSError where there is no folder."""
    asked = stat.S_IWGRP | stat.S_ISGID
    return SHARED if path.parent.stat().st_mode & asked == asked else PRIVATE


def share(path: Path) -> None:
    """Make the database's file where the folder is shared, and open it and what lies beside it to the group.

    A file of the other user is left alone: only its owner may, and has. What fails is said by SQLite, in its own words.
    """
    with suppress(OSError):
        if mode_beside(path) != SHARED:
            return
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, SHARED))
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            with suppress(FileNotFoundError):
                give_mode(file, SHARED)


def give_mode(path: Path, mode: int) -> None:
    """Give a file of our own this mode; nothing else, and nothing behind a link. Raises OSError."""
    # Only the path is opened: whoever closes a file of a database loses SQLite's locks on it.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if ours and stat.S_IMODE(found.st_mode) != mode:
            os.chmod(f"/proc/self/fd/{descriptor}", mode)
    finally:
        os.close(descriptor)
