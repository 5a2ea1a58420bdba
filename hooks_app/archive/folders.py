"""Folders that others write into, too: every way in is a descriptor, no link is followed, and only lone files count.

What a folder holds is decided by whoever may write there, a broken or broken-into program included. So nothing is
reached by a path: a name is one component that fits a strict pattern, opened beside a directory descriptor.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import stat
import struct
from contextlib import suppress
from types import TracebackType
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a FIFO without a writer would hold up whoever opens it.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_RENAME_NOREPLACE: Final = 1
_FLOCK: Final = "hhqqi4x"
"""struct flock of Linux: type, whence, start, length, pid."""

_libc = ctypes.CDLL(None, use_errno=True)


class NotOursError(Exception):
    """A link, a directory, a device, a file with several names, or a strange name; one sentence for people."""


def words_of(error: Exception) -> str:
    """What went wrong with a file, for people."""
    return (error.strerror or "the disk does not answer") if isinstance(error, OSError) else str(error)


def write_all(descriptor: int, data: memoryview | bytes) -> None:
    """Write every byte. Raises OSError."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


class Folder:
    """A folder that is open. Raises NotOursError for what is there and is not ours, OSError for what the disk says."""

    def __init__(self, descriptor: int, place: str) -> None:
        """Takes the descriptor over. `place` is for sentences only."""
        self._descriptor = descriptor
        self._place = place

    @classmethod
    def at(cls, path: str) -> Folder:
        """The folder of a path that is ours; only its last component may not be a link."""
        try:
            return cls(os.open(path, _FOLDER), path)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise NotOursError(f"{path} is no folder.") from None
            raise

    def inner(self, name: str, *, make: bool = False, mode: int = 0o2770) -> Folder:
        """A folder in it; made where it is absent and `make` says so. Its group and set-group-id come from this one."""
        self._check_name(name)
        made = False
        if make:
            with suppress(FileExistsError):
                # Without the set-group-id bit: Linux hands it down, and under RestrictSUIDSGID none may ask for it.
                os.mkdir(name, mode & 0o777, dir_fd=self._descriptor)
                made = True
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise NotOursError(f"{self._place}/{name} is no folder.") from None
            raise
        if made:
            is_mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            if mode & 0o777 & ~is_mode:
                os.fchmod(descriptor, is_mode | (mode & 0o777))
            os.fsync(self._descriptor)
        return Folder(descriptor, f"{self._place}/{name}")

    def names(self) -> list[str]:
        """Everything that is in it, strange names included."""
        return sorted(os.listdir(self._descriptor))

    def info(self, name: str) -> os.stat_result | None:
        """What a file is; None where there is none."""
        self._check_name(name)
        try:
            found = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        self._check_file(name, found)
        return found

    def open(self, name: str) -> int:
        """A descriptor to read a file with; what was opened is what was checked. Raises FileNotFoundError."""
        self._check_name(name)
        try:
            descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
                raise NotOursError(f"{self._place}/{name} is no regular file.") from None
            raise
        try:
            self._check_file(name, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def being_written(self, name: str) -> bool:
        """Whether another process holds a POSIX lock on a file; False where there is no such file."""
        try:
            descriptor = self.open(name)
        except FileNotFoundError:
            return False
        try:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            found: int = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[0]
        finally:
            os.close(descriptor)
        return found != fcntl.F_UNLCK

    def write(self, name: str, text: str) -> None:
        """Write a file anew; whoever reads it sees the old text or the new one."""
        self.info(name)
        new = f"{name}.new"
        self._check_name(new)
        self.remove(new)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(new, flags, 0o640, dir_fd=self._descriptor), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        os.fsync(self._descriptor)

    def create(self, name: str) -> int:
        """A descriptor to write a file with that was not there; one of that name that is ours goes first."""
        self.remove(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o640, dir_fd=self._descriptor)

    def grow(self, name: str) -> int:
        """A descriptor to write more to a file with, at its beginning; made where it is absent."""
        self._check_name(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, 0o640, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR):
                raise NotOursError(f"{self._place}/{name} is no regular file.") from None
            raise
        try:
            self._check_file(name, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def rename(self, name: str, new: str) -> None:
        """Give a file another name, in the place of nobody. Raises FileExistsError, FileNotFoundError."""
        self._check_name(new)
        if self.info(name) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        _rename(self._descriptor, self._descriptor, name, new)
        os.fsync(self._descriptor)

    def move(self, name: str, to: Folder) -> None:
        """Move a file to another folder of the same disk, under its name. Raises FileExistsError, FileNotFoundError."""
        before = self.info(name)
        if before is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        _rename(self._descriptor, to._descriptor, name)
        try:
            after = to.info(name)
            if after is None or (after.st_dev, after.st_ino) != (before.st_dev, before.st_ino):
                raise NotOursError(f"{self._place}/{name} was exchanged while it was moved.")
        except NotOursError:
            # Whatever it was, it does not stay where only what is ours is.
            with suppress(OSError):
                _rename(to._descriptor, self._descriptor, name)
            raise
        os.fsync(to._descriptor)
        os.fsync(self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file; absent is fine."""
        if self.info(name) is None:
            return
        # Exchanged since then? unlink removes a name, and never what a link leads to, nor a folder.
        with suppress(FileNotFoundError):
            try:
                os.unlink(name, dir_fd=self._descriptor)
            except (IsADirectoryError, PermissionError) as error:
                raise NotOursError(f"{self._place}/{name} cannot be removed: {error.strerror}.") from None
        os.fsync(self._descriptor)

    def remove_folder(self, name: str) -> bool:
        """Remove a folder in it that is empty; False where it is not, or there is none."""
        self._check_name(name)
        try:
            os.rmdir(name, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                return False
            raise
        os.fsync(self._descriptor)
        return True

    def statvfs(self) -> os.statvfs_result:
        """Of the disk that it is on."""
        return os.fstatvfs(self._descriptor)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _check_name(self, name: str) -> None:
        if NAME.fullmatch(name) is None:
            raise NotOursError(f"{self._place} has a file with a strange name: {ascii(name)[:140]}.")

    def _check_file(self, name: str, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise NotOursError(f"{self._place}/{name} is no regular file.")
        if found.st_nlink != 1:
            raise NotOursError(f"{self._place}/{name} has {found.st_nlink} names.")


def _rename(source: int, target: int, name: str, new: str | None = None) -> None:
    """Rename from folder to folder, never over what is there. Raises OSError."""
    new = new or name
    if _libc.renameat2(source, os.fsencode(name), target, os.fsencode(new), _RENAME_NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), name)
    # A file system that cannot promise it. Only this user and the finisher may write there.
    try:
        os.stat(new, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
