"""The files of single streams: encoder script, master playlist, and the rule that says who may start an encoder."""

from __future__ import annotations

from collections.abc import Iterator

from headend.artifact import Artifact
from headend.encode_script import encode_script
from headend.hls import master_playlist
from headend.layout import Layout
from headend.model.spec import Spec, Stream
from headend.templating import fill

POLKIT_RULE = "/etc/polkit-1/rules.d/50-headend.rules"


def scripts(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    """One encoder script per stream; a running encoder keeps its old one until it is restarted."""
    for stream in spec.streams:
        yield Artifact(
            path=f"{layout.config_dir}/streams/{stream.slug}/encode",
            text=encode_script(stream, spec.ladders[stream.ladder], layout, rtmp_port=spec.ingest.rtmp_port),
            mode="0755",
            unit=unit_of(stream),
            action="restart",
        )


def master_playlists(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    """One master playlist per stream; nginx@web reads it at each request."""
    for stream in spec.streams:
        yield Artifact(
            path=f"{layout.config_dir}/streams/{stream.slug}/master.m3u8",
            text=master_playlist(spec.ladders[stream.ladder]),
        )


def polkit_rule(spec: Spec) -> Artifact:
    """Lets the hook app's user start, stop and restart the declared encoders; polkit sees a new file by itself."""
    units = [unit_of(stream) for stream in spec.streams]
    return Artifact(path=POLKIT_RULE, text=fill("polkit/headend.rules.j2", encoder_units=units))


def unit_of(stream: Stream) -> str:
    """The systemd unit that encodes a stream."""
    return f"ffmpeg@{stream.slug}.service"
