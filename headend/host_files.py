"""What a host itself must have: system users, folders with their sweep, limits of the kernel."""

from __future__ import annotations

from headend.artifact import Artifact
from headend.layout import Layout
from headend.model.ladder import Ladder
from headend.model.spec import Spec, Stream
from headend.replay import cache_folder, proxies_replays
from headend.templating import fill

SYSUSERS = "/etc/sysusers.d/headend.conf"
TMPFILES = "/etc/tmpfiles.d/headend.conf"
SYSCTL = "/etc/sysctl.d/60-headend.conf"

RMEM_MAX = 4 * 1024 * 1024
"""Bytes that a UDP socket may ask for to hold what it has received; Linux 6.18 has the same by default."""


def sysusers() -> Artifact:
    """The system users; systemd-sysusers makes them."""
    return Artifact(path=SYSUSERS, text=fill("host/sysusers.conf.j2"))


def tmpfiles(spec: Spec, layout: Layout) -> Artifact:
    """The folders and the age at which segments are swept; systemd-tmpfiles makes and cleans them."""
    names = {
        "streams": [_folders(stream, spec) for stream in spec.streams],
        # Each once, in the order of the spec.
        "renditions": list(dict.fromkeys(rung.name for ladder in spec.ladders.values() for rung in ladder.rungs)),
        "sweep_seconds": max(_sweep_seconds(ladder, spec) for ladder in spec.ladders.values()),
        "srt": spec.ingest.srt.enabled,
        "state_shared": state_shared(spec, layout),
        "recording": spec.recording,
        "replay_cache": cache_folder(layout) if proxies_replays(spec) else None,
    }
    return Artifact(path=TMPFILES, text=fill("host/tmpfiles.conf.j2", layout=layout, **names))


def state_shared(spec: Spec, layout: Layout) -> bool:
    """Whether a second user, the archiver's, writes the SQLite database, too."""
    return spec.recording and layout.database_server is None


def sysctl() -> Artifact:
    """The limits of the kernel that SRT needs; systemd-sysctl applies them. 60: an operator's own 99-*.conf wins."""
    return Artifact(path=SYSCTL, text=fill("host/sysctl.conf.j2", rmem_max=RMEM_MAX))


def _folders(stream: Stream, spec: Spec) -> dict[str, object]:
    ladder = spec.ladders[stream.ladder]
    return {
        "slug": stream.slug,
        "renditions": [rung.name for rung in ladder.rungs],
        "sweep_seconds": _sweep_seconds(ladder, spec),
    }


def _sweep_seconds(ladder: Ladder, spec: Spec) -> int:
    # The oldest segment of the last window is a whole window old when its stream ends.
    return spec.retention.ended_window_hours * 3600 + ladder.window_seconds
