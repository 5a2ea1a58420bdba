"""What a type cannot say about a spec: rules between values. One module for each noun."""

from __future__ import annotations

from headend.fault import Fault
from headend.lint.announcements import announcement_faults
from headend.lint.ingest import ingest_faults
from headend.lint.ladder import ladder_faults
from headend.lint.recordings import recording_faults
from headend.lint.rungs import rung_faults
from headend.lint.site import site_faults
from headend.lint.srt import srt_faults
from headend.lint.streams import stream_faults
from headend.parts import Parts
from headend.places import Places


def lint(parts: Parts, places: Places) -> list[Fault]:
    """Every broken rule in the readable parts of a spec."""
    faults = [*site_faults(parts, places), *stream_faults(parts, places)]
    faults += ingest_faults(parts, places)
    faults += srt_faults(parts, places)
    faults += announcement_faults(parts, places)
    faults += recording_faults(parts, places)
    for ladder in parts.ladders:
        faults += ladder_faults(ladder, places)
        faults += rung_faults(ladder, places)
    return faults
