"""`headend rtmp-url`: what an encoder needs to publish over RTMP."""

from __future__ import annotations

import typer

from headend.cli.output import AsJson, load, print_json
from headend.cli.publishing import (
    MASTER,
    HostOption,
    KeyOption,
    MasterOption,
    SpecOption,
    StreamArgument,
    checked_key,
    host_of,
    master_of,
    stream_of,
)
from headend.model.publish_url import rtmp_target, settings_lines


def rtmp_url(
    stream: StreamArgument,
    key: KeyOption,
    spec: SpecOption = None,
    host: HostOption = None,
    master: MasterOption = MASTER,
    as_json: AsJson = False,
) -> None:
    """Print an RTMP URL, a secret, and what OBS, Larix, ffmpeg and GStreamer want of it."""
    loaded, _ = load(spec, as_json=as_json)
    slug = stream_of(loaded, stream, as_json=as_json).slug
    place = host_of(loaded, host, as_json=as_json)
    key_id = checked_key(key, as_json=as_json)
    secret = master_of(master, as_json=as_json)
    target = rtmp_target(secret, host=place, port=loaded.ingest.rtmp_port, slug=slug, key_id=key_id)
    if as_json:
        print_json({"ok": True, **target.document})
    else:
        typer.echo("\n".join([target.url, "", *settings_lines(target)]))
