"""Why a recording stays as its raw parts."""

from __future__ import annotations


class FaultError(Exception):
    """One sentence for people; it names files of the recording's folder, never a path."""
