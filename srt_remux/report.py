"""Sentences for the journal, which knows the unit and the time."""

from __future__ import annotations

import sys


def say(about: str, sentence: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"{about}: {sentence}\n")
    sys.stderr.flush()
