"""The configuration of the three nginx instances, and the part of it that an existing site can include."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus

from headend.artifact import Artifact
from headend.ffmpeg import APPLICATION
from headend.layout import Layout
from headend.model.base import SLUG_PATTERN
from headend.model.spec import SRT_STALL_SECONDS, Spec
from headend.model.store import replay_origin
from headend.replay import proxies_replays, replay_names
from headend.templating import fill

RENDITION_PATTERN = r"[a-z0-9][a-z0-9-]{0,19}"
"""What a rendition may be called (headend/model/ladder.py), as nginx has it in a location."""

CREDENTIALS = "/run/credentials/nginx@srt.service"
"""Where systemd shows nginx@srt its credentials (systemd.exec(5))."""


PROBLEMS = {
    403: "This path does not know this method.",
    413: "The body is longer than 64 kB.",
    429: "Too many requests from one address. Wait a second, then ask less often.",
    502: "The app does not answer. It comes back by itself; ask again.",
    504: "The app does not answer in time. Ask again.",
}
"""What nginx@web itself says in the place of the API, by status."""

STORE_PROBLEMS = {
    416: "The file is shorter than that.",
    503: "The recordings' store does not answer as it should. Ask again.",
}
"""What it says in the place of the object store."""


def ingest(spec: Spec, layout: Layout) -> Artifact:
    """nginx@ingest. After a reload its publishers stay with an old worker that no encoder finds: it takes a restart."""
    default = spec.recordings.record
    text = fill(
        "nginx/ingest.conf.j2",
        layout=layout,
        ingest=spec.ingest,
        rtmp_port=spec.ingest.rtmp_port,
        application=APPLICATION,
        recording=spec.recording,
        recordings=spec.recordings,
        # Those that differ; nginx does not know the streams that are made at run time, so they are as the site says.
        chosen=[stream.slug for stream in spec.streams if spec.records(stream) is not default],
    )
    return Artifact(
        path=f"{layout.config_dir}/nginx/ingest.conf", text=text, unit="nginx@ingest.service", action="restart"
    )


def srt(spec: Spec, layout: Layout) -> Artifact:
    """nginx@srt. A reload would leave its callers on a socket that nobody reads: it takes a restart."""
    # The site's own way counts, too: it is that of the streams that are made at run time.
    ways = {spec.ingest.srt.admit, *map(spec.srt_admit, spec.streams)}
    text = fill(
        "nginx/srt.conf.j2",
        layout=layout,
        srt=spec.ingest.srt,
        stall_seconds=SRT_STALL_SECONDS,
        encrypted_only=ways == {"encrypted"},
        credentials=CREDENTIALS,
    )
    return Artifact(path=f"{layout.config_dir}/nginx/srt.conf", text=text, unit="nginx@srt.service", action="restart")


def web(spec: Spec, layout: Layout) -> Artifact:
    """nginx@web."""
    text = fill(
        "nginx/web.conf.j2",
        layout=layout,
        slug_pattern=SLUG_PATTERN,
        problems=list(PROBLEMS),
        media_origin=replay_origin(spec.recordings) if spec.recording else None,
        replay=replay_names(spec, layout) if proxies_replays(spec) else None,
    )
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


def problems(layout: Layout) -> Iterator[Artifact]:
    """The bodies of both (RFC 9457), in the form of the app's own (hooks_app/problem.py)."""
    for status, detail in (PROBLEMS | STORE_PROBLEMS).items():
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
        yield Artifact(path=f"{layout.config_dir}/nginx/problems/{status}.json", text=json.dumps(body) + "\n")
