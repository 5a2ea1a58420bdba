"""What a host itself must have: system users, folders with their sweep, and the key command."""

from __future__ import annotations

from headend.artifact import Artifact
from headend.layout import Layout
from headend.model.spec import Spec, Stream
from headend.templating import fill

SYSUSERS = "/etc/sysusers.d/headend.conf"
TMPFILES = "/etc/tmpfiles.d/headend.conf"
KEY_COMMAND = "/usr/local/bin/headend-key"


def sysusers() -> Artifact:
    """The system users; systemd-sysusers makes them."""
    return Artifact(path=SYSUSERS, text=fill("host/sysusers.conf.j2"))


def tmpfiles(spec: Spec, layout: Layout) -> Artifact:
    """The folders and the age at which segments are swept; systemd-tmpfiles makes and cleans them."""
    streams = [_folders(stream, spec) for stream in spec.streams]
    return Artifact(path=TMPFILES, text=fill("host/tmpfiles.conf.j2", layout=layout, streams=streams))


def _folders(stream: Stream, spec: Spec) -> dict[str, object]:
    ladder = spec.ladders[stream.ladder]
    return {
        "slug": stream.slug,
        "renditions": [rung.name for rung in ladder.rungs],
        # The oldest segment of the last window is a whole window old when its stream ends.
        "sweep_seconds": spec.retention.ended_window_hours * 3600 + ladder.window_seconds,
    }


def key_command(layout: Layout) -> Artifact:
    """`headend-key`: makes, lists and revokes stream keys, as the hook app's user."""
    return Artifact(path=KEY_COMMAND, text=fill("host/headend-key.j2", layout=layout), mode="0755")
