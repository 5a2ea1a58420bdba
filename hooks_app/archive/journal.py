"""What an upload writes down as it goes, so that the next process knows what the store has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from hooks_app.archive.states import FileState


@dataclass(frozen=True, slots=True)
class Part:
    """A part that the store has taken."""

    number: int
    """From 1."""
    bytes: int
    md5: str
    """Lower-case hex, of what was read from the disk and sent."""
    etag: str
    """As the store said, without quotation marks."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A multipart upload as the store lists it."""

    key: str
    upload_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What the store needs to know of a file of a recording."""

    id: int
    name: str
    kind: str
    bytes: int
    sha256: str | None
    """Lower-case hex; None where nobody has read the file yet."""
    state: FileState
    object_key: str
    upload_id: str | None
    part_bytes: int | None
    checks: str | None
    """hooks_app/archive/checks.py: what the requests of the upload that is under way carry."""
    etag: str | None


class Journal(Protocol):
    """Where it is written down; each call is kept when it returns. One thread calls."""

    def parts(self, file_id: int) -> dict[int, Part]:
        """The parts that were written down, by number."""
        ...

    def begun(self, file_id: int, upload_id: str, part_bytes: int, checks: str) -> None:
        """A multipart upload was begun; what was known of an earlier one is forgotten."""
        ...

    def sent(self, file_id: int, part: Part) -> None:
        """The store has taken a part."""
        ...

    def read(self, file_id: int, sha256: str) -> None:
        """The file was read to its end here, and that is its hash."""
        ...

    def stored(self, file_id: int, etag: str) -> None:
        """The store has all of it, as it says."""
        ...

    def verified(self, file_id: int, how: Literal["etag", "reread"]) -> None:
        """It is there as it is here."""
        ...

    def restart(self, file_id: int) -> None:
        """Parts, upload id and ETag are forgotten; it is local again."""
        ...
