"""The units: nginx instances, encoders, hook app, its backup, announcer, archiver, remuxers of SRT callers."""

from __future__ import annotations

from headend.artifact import Action, Artifact
from headend.host_files import state_shared
from headend.layout import Layout
from headend.model.spec import Spec
from headend.networks import EVERYBODY, permitted
from headend.replay import cache_folder
from headend.templating import fill

UNITS = "/etc/systemd/system"


def nginx_unit(layout: Layout) -> Artifact:
    """Template unit of nginx@ingest, nginx@srt and nginx@web."""
    return _unit("nginx@.service", layout=layout)


def encoder_unit(layout: Layout) -> Artifact:
    """Template unit of the encoders; its instances are slugs."""
    return _unit("ffmpeg@.service", layout=layout)


def end_unit(layout: Layout) -> Artifact:
    """Template unit that writes the end tags of a stream; it runs only for a moment."""
    return _unit("hls-end@.service", action="none", layout=layout)


def hooks_unit(spec: Spec, layout: Layout) -> Artifact:
    """Unit of the hook app."""
    return _unit(
        "headend-hooks.service",
        layout=layout,
        srt=spec.ingest.srt.enabled,
        server=layout.database_server,
        umask=state_umask(spec, layout),
    )


def announce_unit(spec: Spec, layout: Layout) -> Artifact:
    """Unit of the announcer."""
    told = spec.announcements
    return _unit(
        "headend-announce.service",
        layout=layout,
        secrets=told.secret_names,
        allow=told.outbound.allow,
        umask=state_umask(spec, layout),
    )


def archive_units(spec: Spec, layout: Layout) -> tuple[Artifact, ...]:
    """The archiver, the nightly prune run, and the timer that starts that."""
    archive = spec.recordings.archive
    server, secret = layout.database_server, archive.secret if archive else None
    return (
        _unit("headend-archive.service", layout=layout, server=server, secret=secret),
        _unit("headend-prune.service", action="none", layout=layout, server=server, secret=secret),
        _unit("headend-prune.timer", at=spec.recordings.keep.prune_at),
    )


def backup_units(layout: Layout) -> tuple[Artifact, ...]:
    """The backup of the SQLite database, and the timer that starts it; a server is backed up by its own means."""
    if layout.database_server:
        return ()
    return _unit("headend-backup.service", action="none", layout=layout), _unit("headend-backup.timer")


def state_umask(spec: Spec, layout: Layout) -> str:
    """What the hook app's user keeps from others."""
    return "0007" if state_shared(spec, layout) else "0077"


def finish_unit(layout: Layout) -> Artifact:
    """Template unit of the finishers; its instances are recordings' numbers. Those that run go on."""
    return _unit("headend-finish@.service", action="none", layout=layout)


def ingest_for_srt(layout: Layout) -> Artifact:
    """What nginx@ingest has more where there is SRT."""
    return _drop_in("nginx@ingest.service", "srt", layout=layout)


def ingest_for_recording(layout: Layout) -> Artifact:
    """What nginx@ingest has more where something is recorded."""
    return _drop_in("nginx@ingest.service", "recording", layout=layout)


def srt_drop_in(spec: Spec, layout: Layout) -> Artifact:
    """What nginx@srt has more than other instances. libsrt takes any packet; here the kernel drops some."""
    networks = permitted(spec.ingest.allow_publish, spec.ingest.deny_publish)
    return _drop_in("nginx@srt.service", "srt", layout=layout, networks=None if networks == EVERYBODY else networks)


def web_for_replay(layout: Layout) -> Artifact:
    """What nginx@web has more where it gives recordings out of the store."""
    return _drop_in("nginx@web.service", "replay", cache=cache_folder(layout))


def remux_socket(layout: Layout) -> Artifact:
    """The socket that nginx@srt hands callers to; each connection starts a remuxer."""
    return _unit("srt-remux.socket", layout=layout)


def remux_unit(layout: Layout) -> Artifact:
    """Template unit of the remuxers. Those that run go on; the next caller gets the new one."""
    return _unit("srt-remux@.service", action="none", layout=layout)


def _unit(name: str, action: Action = "restart", **names: object) -> Artifact:
    return Artifact(path=f"{UNITS}/{name}", text=fill(f"systemd/{name}.j2", **names), unit=name, action=action)


def _drop_in(unit: str, name: str, **names: object) -> Artifact:
    text = fill(f"systemd/{unit}.d/{name}.conf.j2", **names)
    return Artifact(path=f"{UNITS}/{unit}.d/{name}.conf", text=text, unit=unit, action="restart")
