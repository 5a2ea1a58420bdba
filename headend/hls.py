"""The master playlist, written by us: FFmpeg's ignores maxrate and has no AVERAGE-BANDWIDTH (libavformat/hlsenc.c)."""

from __future__ import annotations

from headend.model.ladder import Ladder, Picture

# RFC 8216 section 7 asks for no version in this playlist; 6 is what FFmpeg's media playlists say, because they have
# EXT-X-INDEPENDENT-SEGMENTS.
VERSION = 6


def master_playlist(ladder: Ladder) -> str:
    """The master playlist of a ladder, highest rendition first; URIs are relative to it (RFC 8216 4.3.4.2)."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rung in ladder.rungs:
        lines += [_stream_inf(ladder, rung), f"{rung.name}/index.m3u8"]
    return "\n".join(lines) + "\n"


def _stream_inf(ladder: Ladder, rung: Picture) -> str:
    attributes = (
        f"BANDWIDTH={rung.peak_bandwidth_bps}",
        f"AVERAGE-BANDWIDTH={rung.average_bandwidth_bps}",
        f"RESOLUTION={rung.width}x{rung.height}",
        f"FRAME-RATE={ladder.frame_rate:.3f}",
        f'CODECS="{rung.codecs(ladder.frame_rate)}"',
    )
    return "#EXT-X-STREAM-INF:" + ",".join(attributes)
