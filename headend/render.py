"""A spec and a layout become the finished files of a role. Pure: the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from headend import encoder_files, nginx, systemd
from headend.artifact import Artifact
from headend.hook_facts import hook_facts
from headend.host_files import key_command, sysusers, tmpfiles
from headend.layout import Layout
from headend.model.spec import Spec
from headend.templating import fill

ROLES = ("builder", "ingest", "control", "web")


def render_role(spec: Spec, layout: Layout, role: str) -> tuple[Artifact, ...]:
    """Every file of a role, sorted by path. Two roles that have the same path have the same file there.

    Raises KeyError for a role that is not in ROLES.
    """
    return tuple(sorted(_FILES[role](spec, layout), key=lambda artifact: artifact.path))


def _builder(_spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    script = fill("builder/build-nginx.j2", prefix=layout.prefix, state_dir=layout.state_dir)
    yield Artifact(path=f"{layout.prefix}/builder/build-nginx", text=script, mode="0755")


def _ingest(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    yield tmpfiles(spec, layout)
    yield systemd.nginx_unit(layout)
    yield systemd.encoder_unit(layout)
    yield nginx.ingest(spec, layout)
    yield from encoder_files.scripts(spec, layout)
    yield encoder_files.polkit_rule(spec)


def _control(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    yield tmpfiles(spec, layout)
    yield systemd.hooks_unit(layout)
    yield hook_facts(spec, layout)
    yield key_command(layout)


def _web(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    yield sysusers()
    yield tmpfiles(spec, layout)
    yield systemd.nginx_unit(layout)
    yield nginx.web(spec, layout)
    yield nginx.streams_location(layout)
    yield nginx.health(layout)
    yield from encoder_files.master_playlists(spec, layout)


_FILES: dict[str, Callable[[Spec, Layout], Iterator[Artifact]]] = {
    "builder": _builder,
    "ingest": _ingest,
    "control": _control,
    "web": _web,
}
