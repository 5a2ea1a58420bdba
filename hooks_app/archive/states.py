"""The states of a recording. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RecordingState(StrEnum):
    """How far a recording is."""

    RECORDING = "recording"
    """nginx writes it, or may still begin a part of it."""
    CLOSED = "closed"
    """No part will be added; its parts are in its own folder or about to be moved there."""
    FINISHED = "finished"
    """One file that plays; or the raw parts, where that could not be made."""
    ARCHIVED = "archived"
    """Everything that goes to the store is there and was verified."""
    REMOVED = "removed"
    """Nothing of it is left, here or in the store: somebody who may wanted it so, or its time in the store was over."""


class FileState(StrEnum):
    """How far a file is on its way to the store."""

    LOCAL = "local"
    UPLOADING = "uploading"
    STORED = "stored"
    """The store has all of it, as it says; not verified."""
    VERIFIED = "verified"


NEXT: Final = {
    RecordingState.RECORDING: RecordingState.CLOSED,
    RecordingState.CLOSED: RecordingState.FINISHED,
    RecordingState.FINISHED: RecordingState.ARCHIVED,
    RecordingState.ARCHIVED: RecordingState.REMOVED,
}
