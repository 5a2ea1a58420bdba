"""Why a recording stays as its raw parts."""

from __future__ import annotations


class FaultError(Exception):
    """One sentence for people; it names files of the recording's folder, never a path."""


class NoRoomError(FaultError):
    """The disk has too little room now: nothing is wrong with the recording, and it may be tried again."""
