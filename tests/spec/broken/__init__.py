"""Broken specs by kind of mistake, each with the exact faults that it must get."""

from __future__ import annotations

from tests.spec.broken import (
    announcements,
    control,
    keys,
    kinds,
    ladders,
    ranges,
    recordings,
    srt,
    words,
    yaml,
)

CASES = (
    *yaml.CASES,
    *keys.CASES,
    *kinds.CASES,
    *ranges.CASES,
    *words.CASES,
    *ladders.CASES,
    *srt.CASES,
    *control.CASES,
    *announcements.CASES,
    *recordings.CASES,
)
