"""What encoders run with: scripts and master playlists by stream and by ladder, and who may start an encoder."""

from __future__ import annotations

from collections.abc import Iterator

from headend.artifact import Artifact
from headend.encode_script import encode_script, ladder_script
from headend.hls import master_playlist
from headend.layout import Layout
from headend.model.base import SLUG_PATTERN
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


def start_script(layout: Layout) -> Artifact:
    """The script that finds a stream's encoder script, by its own name or by the ladder that it was made on."""
    text = fill("ffmpeg/encode-stream.j2", layout=layout, slug_pattern=SLUG_PATTERN)
    return Artifact(path=f"{layout.config_dir}/encode", text=text, mode="0755")


def end_script(layout: Layout) -> Artifact:
    """The script that writes the end tags of a stream."""
    text = fill("ffmpeg/end-playlists.j2", layout=layout, slug_pattern=SLUG_PATTERN)
    return Artifact(path=f"{layout.config_dir}/end-playlists", text=text, mode="0755")


def ladder_files(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    """Script and master playlist of each ladder, for the streams that are made on it at run time."""
    for name, ladder in spec.ladders.items():
        folder = f"{layout.config_dir}/ladders/{name}"
        script = ladder_script(name, ladder, layout, rtmp_port=spec.ingest.rtmp_port)
        yield Artifact(path=f"{folder}/encode", text=script, mode="0755")
        yield Artifact(path=f"{folder}/master.m3u8", text=master_playlist(ladder))


def master_playlists(spec: Spec, layout: Layout) -> Iterator[Artifact]:
    """One master playlist per stream; nginx@web reads it at each request."""
    for stream in spec.streams:
        yield Artifact(
            path=f"{layout.config_dir}/streams/{stream.slug}/master.m3u8",
            text=master_playlist(spec.ladders[stream.ladder]),
        )


def polkit_rule(*, records: bool) -> Artifact:
    """Lets the hook app's user start, stop and restart encoders; if something is recorded, the archiver's finishers.

    polkit sees a new file by itself.
    """
    return Artifact(path=POLKIT_RULE, text=fill("polkit/headend.rules.j2", slug_pattern=SLUG_PATTERN, records=records))


def unit_of(stream: Stream) -> str:
    """The systemd unit that encodes a stream."""
    return f"ffmpeg@{stream.slug}.service"
