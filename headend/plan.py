"""What a spec costs: bit rates, disk and egress. Cores are not computed: they are measured, on request."""

from __future__ import annotations

from dataclasses import dataclass

from headend.model.ladder import Ladder, Picture
from headend.model.spec import Spec, Stream

HOUR_SECONDS = 3600
BYTE_BITS = 8

# The encoder keeps a segment for one more window after it left the playlist, and two segments longer (RFC 8216 6.2.2;
# the muxer's -hls_delete_threshold).
WINDOWS_ON_DISK = 2
SEGMENTS_BESIDE = 2


@dataclass(frozen=True, slots=True)
class RungPlan:
    """One rendition of one stream. Bytes per hour are what it writes, and what one viewer of it downloads."""

    name: str
    width: int
    height: int
    video_bps: int
    audio_bps: int
    average_bps: int
    peak_bps: int
    bytes_per_hour: int
    window_bytes: int


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream. Egress is what one viewer downloads in an hour, at the lowest and at the highest rendition."""

    slug: str
    ladder: str
    rungs: tuple[RungPlan, ...]
    window_bytes: int
    recording_bytes_per_hour: int
    egress_bytes_per_viewer_hour: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole origin, all streams on air at once."""

    streams: tuple[StreamPlan, ...]
    window_bytes: int
    recording_bytes_per_hour: int


def plan_of(spec: Spec) -> Plan:
    """The costs of a spec, from the average bit rates that its master playlists promise."""
    streams = tuple(stream_plan(stream, spec.ladders[stream.ladder]) for stream in spec.streams)
    return Plan(
        streams=streams,
        window_bytes=sum(stream.window_bytes for stream in streams),
        recording_bytes_per_hour=sum(stream.recording_bytes_per_hour for stream in streams),
    )


def stream_plan(stream: Stream, ladder: Ladder) -> StreamPlan:
    rungs = tuple(rung_plan(rung, ladder) for rung in ladder.rungs)
    egress = [rung.bytes_per_hour for rung in rungs]
    return StreamPlan(
        slug=stream.slug,
        ladder=stream.ladder,
        rungs=rungs,
        window_bytes=sum(rung.window_bytes for rung in rungs),
        recording_bytes_per_hour=sum(egress),
        egress_bytes_per_viewer_hour=(min(egress), max(egress)),
    )


def rung_plan(rung: Picture, ladder: Ladder) -> RungPlan:
    kept_seconds = WINDOWS_ON_DISK * ladder.window_seconds + SEGMENTS_BESIDE * ladder.segment_seconds
    return RungPlan(
        name=rung.name,
        width=rung.width,
        height=rung.height,
        video_bps=rung.video_bps,
        audio_bps=rung.audio_bps,
        average_bps=rung.average_bandwidth_bps,
        peak_bps=rung.peak_bandwidth_bps,
        bytes_per_hour=bytes_in(rung.average_bandwidth_bps, HOUR_SECONDS),
        window_bytes=bytes_in(rung.average_bandwidth_bps, kept_seconds),
    )


def bytes_in(bps: int, seconds: int) -> int:
    return bps * seconds // BYTE_BITS
