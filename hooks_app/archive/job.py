"""What the finisher is asked for: JSON in a recording's folder. Its answer is hooks_app/archive/finished.py."""

from __future__ import annotations

from datetime import UTC, datetime

from headend.model.base import Model, Slug
from hooks_app.archive.progress import ToFinish

JOB, RESULT = "job.json", "result.json"


class Job(Model):
    """What is to be joined."""

    recording: int
    slug: Slug
    start: str
    """YYYYmmddTHHMMSSZ, for the names of what is made."""
    parts: tuple[str, ...]
    """Raw parts, in their order."""
    strip: bool
    vod: bool
    reserve_bytes: int
    """So much of the disk is for what is recorded."""

    @classmethod
    def of(cls, wanted: ToFinish, *, strip: bool, vod: bool, reserve_bytes: int) -> Job:
        """The job of a recording."""
        return cls(
            recording=wanted.recording_id,
            slug=wanted.slug,
            start=start_text(wanted.started_at),
            parts=wanted.parts,
            strip=strip,
            vod=vod,
            reserve_bytes=reserve_bytes,
        )


def start_text(at: datetime) -> str:
    """A start as names have it."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
