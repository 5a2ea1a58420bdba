"""The configuration of the two nginx instances, and the part of it that an existing site can include."""

from __future__ import annotations

from headend.artifact import Artifact
from headend.ffmpeg import APPLICATION
from headend.layout import Layout
from headend.model.base import SLUG_PATTERN
from headend.model.spec import Spec
from headend.templating import fill

RENDITION_PATTERN = r"[a-z0-9][a-z0-9-]{0,19}"
"""What a rendition may be called (headend/model/ladder.py), as nginx has it in a location."""


def ingest(spec: Spec, layout: Layout) -> Artifact:
    """nginx@ingest. After a reload its publishers stay with an old worker that no encoder finds: it takes a restart."""
    text = fill(
        "nginx/ingest.conf.j2",
        layout=layout,
        ingest=spec.ingest,
        rtmp_port=spec.ingest.rtmp_port,
        application=APPLICATION,
    )
    return Artifact(
        path=f"{layout.config_dir}/nginx/ingest.conf", text=text, unit="nginx@ingest.service", action="restart"
    )


def web(spec: Spec, layout: Layout) -> Artifact:
    """nginx@web."""
    text = fill("nginx/web.conf.j2", layout=layout, slug_pattern=SLUG_PATTERN)
    return Artifact(path=f"{layout.config_dir}/nginx/web.conf", text=text, unit="nginx@web.service", action="reload")


def streams_location(layout: Layout) -> Artifact:
    """Everything below /streams/, for nginx@web and for the vhost of an existing site."""
    text = fill(
        "nginx/streams-location.conf.j2", layout=layout, slug_pattern=SLUG_PATTERN, rendition_pattern=RENDITION_PATTERN
    )
    return Artifact(
        path=f"{layout.config_dir}/nginx/streams-location.conf", text=text, unit="nginx@web.service", action="reload"
    )


def health(layout: Layout) -> Artifact:
    """The body of /healthz: nginx without its rewrite module has no `return`, so it serves a file."""
    return Artifact(path=f"{layout.config_dir}/nginx/healthz", text="ok\n")
