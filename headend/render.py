"""A spec and a layout become the finished files of a role. Pure: the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from headend import encoder_files, libsrt, nginx, systemd
from headend.artifact import Artifact
from headend.hook_facts import announcer_facts, archiver_facts, hook_facts
from headend.host_commands import commands
from headend.host_files import sysctl, sysusers, tmpfiles
from headend.layout import Layout
from headend.model.spec import Spec
from headend.replay import proxies_replays
from headend.templating import fill

ROLES = ("builder", "ingest", "control", "web")


def render_role(spec: Spec, layout: Layout, role: str) -> tuple[Artifact, ...]:
    """Every file of a role, sorted by path. Two roles that have the same path have the same file there.

    Raises KeyError for a role that is not in ROLES.
    """
    return tuple(sorted(_FILES[role](spec, layout), key=lambda artifact: artifact.path))


def build_script(prefix: str, state_dir: str) -> str:
    """The script that builds nginx, for these folders."""
    names = {"prefix": prefix, "state_dir": state_dir, "libsrt": libsrt.MINIMUM, "libsrt_newest": libsrt.NEWEST}
    return fill("builder/build-nginx.j2", **names)


def _builder(_spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    text = build_script(layout.prefix, layout.state_dir)
    yield Artifact(path=f"{layout.prefix}/builder/build-nginx", text=text, mode="0755")


def _ingest(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    yield tmpfiles(spec, layout)
    yield systemd.nginx_unit(layout)
    yield systemd.encoder_unit(layout)
    yield systemd.end_unit(layout)
    yield encoder_files.start_script(layout)
    yield encoder_files.end_script(layout)
    yield nginx.ingest(spec, layout)
    yield from encoder_files.scripts(spec, layout)
    yield from encoder_files.ladder_files(spec, layout)
    yield encoder_files.polkit_rule(records=spec.recording)
    if spec.recording:
        yield systemd.ingest_for_recording(layout)
    if spec.ingest.srt.enabled:
        yield nginx.srt(spec, layout)
        yield systemd.ingest_for_srt(layout)
        yield systemd.srt_drop_in(spec, layout)
        yield systemd.remux_socket(layout)
        yield systemd.remux_unit(layout)
        yield sysctl()


def _control(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    yield tmpfiles(spec, layout)
    yield systemd.hooks_unit(spec, layout)
    yield hook_facts(spec, layout)
    if spec.announcements.destinations:
        yield systemd.announce_unit(spec, layout)
        yield announcer_facts(spec, layout)
    if spec.recording:
        yield systemd.finish_unit(layout)
    yield from systemd.backup_units(layout)
    if spec.recording:
        yield from systemd.archive_units(spec, layout)
        yield archiver_facts(spec, layout)
    yield from commands(layout, archives=spec.recording)


def _web(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    yield tmpfiles(spec, layout)
    yield systemd.nginx_unit(layout)
    if proxies_replays(spec):
        yield systemd.web_for_replay(layout)
    yield nginx.web(spec, layout)
    yield nginx.streams_location(layout)
    yield nginx.health(layout)
    yield from nginx.problems(layout)
    yield from encoder_files.master_playlists(spec, layout)


_FILES: dict[str, Callable[[Spec, Layout], Iterator[Artifact]]] = {
    "builder": _builder,
    "ingest": _ingest,
    "control": _control,
    "web": _web,
}
