"""The encoder's argument list: one FFmpeg per stream, one decode, every rung of the ladder.

It is logic (ordered, indexed, quoted), so it is Python and not a template. Each group of arguments carries its reason,
which the shipped script prints above it. The numbers are properties of the ladder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from headend.layout import Layout
from headend.model.ladder import Ladder, Picture
from headend.model.spec import Stream

APPLICATION = "live"
"""Name of the RTMP application: publishers send rtmp://host:port/live/<slug>."""

RUN_ID = "RUN_ID"
"""Stands for the run id in an argument list until the script knows it; names in a stream's path are lower case."""

SLUG = "STREAM_SLUG"
"""Stands for the slug in the argument list of a ladder's script, the same way."""

ANY_STREAM = Stream.model_construct(slug=SLUG, title=SLUG)
"""No stream: whichever the ladder's script is started for. It is not validated, since no real slug looks like that."""

# Smaller than any GOP: a segment then ends at every keyframe (libavformat/hlsenc.c, hls_write_packet: a keyframe splits
# once the stream is as old as segments * hls_time). Not hls_init_time: it lasts until the window is full,
# and its count is wrong after a restart with append_list.
EVERY_KEYFRAME = "0.1"


@dataclass(frozen=True, slots=True)
class Flags:
    """Arguments that belong together, one string per token, and the reason for them."""

    tokens: tuple[str, ...]
    why: str


def loopback_url(stream: Stream, rtmp_port: int) -> str:
    """Where the encoder plays a stream: on loopback, without a key (nginx-rtmp lets only 127.0.0.1 play)."""
    return f"rtmp://127.0.0.1:{rtmp_port}/{APPLICATION}/{stream.slug}"


def media_dir(stream: Stream, layout: Layout) -> str:
    """Folder of a stream's poster and of its renditions' folders."""
    return f"{layout.media_root}/hls/{stream.slug}"


def encoder_argv(
    stream: Stream, ladder: Ladder, layout: Layout, *, rtmp_port: int, run_id: str, copy_source: bool = False
) -> list[str]:
    """The encoder's argv, one string per token, program name first.

    `run_id` starts every segment's name; `copy_source` copies the publisher's video into the source rendition.
    """
    flags = encoder_flags(stream, ladder, layout, rtmp_port=rtmp_port, copy_source=copy_source)
    return [token.replace(RUN_ID, run_id) for group in flags for token in group.tokens]


def encoder_flags(
    stream: Stream, ladder: Ladder, layout: Layout, *, rtmp_port: int, copy_source: bool = False
) -> tuple[Flags, ...]:
    """The encoder's argv in groups with their reasons; RUN_ID stands where the run id goes."""
    folder = media_dir(stream, layout)
    copied = ladder.source if copy_source else None
    return tuple(
        chain(
            _program(),
            _input(loopback_url(stream, rtmp_port)),
            _filters(ladder, [rung for rung in ladder.rungs if rung is not copied]),
            *(_rendition(ladder, rung, f"{folder}/{rung.name}", copied=rung is copied) for rung in ladder.rungs),
            _poster(ladder, f"{folder}/poster.jpg"),
        )
    )


def _program() -> Iterator[Flags]:
    yield Flags(("ffmpeg", "-hide_banner"), "FFmpeg 5.1 or newer (-fps_mode).")
    yield Flags(("-nostdin", "-y"), "A service has no keyboard: nobody to ask whether the old poster may be replaced.")
    yield Flags(
        ("-nostats", "-loglevel", "warning"), "The journal keeps what went wrong, not a progress line per second."
    )


def _input(url: str) -> Iterator[Flags]:
    yield Flags(
        ("-protocol_whitelist", "rtmp,tcp"),
        "The input can open nothing but RTMP: no file, no playlist inside media (CVE-2016-1897 and its kin).",
    )
    yield Flags(
        ("-rtmp_live", "live"),
        "Wait for the live stream; never ask for a recording of that name (ffmpeg-protocols, rtmp).",
    )
    yield Flags(
        ("-tcp_nodelay", "1"),
        "The handshake is a row of small messages, and with Nagle's algorithm each waits until the one before is "
        "acknowledged: attached 0.1 s later (measured, 5.1.9).",
    )
    yield Flags(
        ("-fpsprobesize", "0"),
        "The ladder states the frame rate: nobody measures twenty frames first, on air 0.8 s sooner (measured, 5.1.9).",
    )
    yield Flags(
        ("-analyzeduration", "2000000"),
        "At most so many microseconds of the stream to find out what is in it; tracks that FFmpeg knows take a few "
        "frames. No sound, or a track that it does not know (Enhanced RTMP), holds the start: 6 s without this, 3 s "
        "with it (measured, 5.1.9).",
    )
    yield Flags(
        ("-f", "live_flv"),
        "The demuxer is fixed, not guessed; live_flv also joins a stream in its middle (ffmpeg-formats, flv).",
    )
    yield Flags(("-i", url), "nginx-rtmp on loopback: the key stays with the publisher's connection.")


def _filters(ladder: Ladder, encoded: list[Picture]) -> Iterator[Flags]:
    labels = "".join(f"[{rung.name}-raw]" for rung in encoded)
    clock = f"[0:v:0]fps={ladder.frame_rate},split={len(encoded)}{labels}"
    yield Flags(
        ("-filter_complex", ";".join([clock, *map(_scaler, encoded)])),
        "One decode and one clock for all rungs: fps comes before split, so their keyframes fall on the same frames. A "
        "picture of another shape gets bars, because the master playlist promises RESOLUTION.",
    )


def _scaler(rung: Picture) -> str:
    size = f"{rung.width}:{rung.height}"
    return (
        f"[{rung.name}-raw]scale={size}:force_original_aspect_ratio=decrease:flags=bicubic,"
        f"pad={size}:-1:-1,setsar=1,format=yuv420p[{rung.name}]"
    )


def _rendition(ladder: Ladder, rung: Picture, folder: str, *, copied: bool) -> Iterable[Flags]:
    video = _copied_video() if copied else _video(ladder, rung)
    return chain(video, _audio(rung), _hls(ladder, folder, copied=copied))


def _copied_video() -> Iterator[Flags]:
    yield Flags(
        ("-map", "0:v:0", "-c:v", "copy"),
        "The publisher's own picture fits the source rendition: not one frame is encoded.",
    )


def _video(ladder: Ladder, rung: Picture) -> Iterator[Flags]:
    yield Flags(("-map", f"[{rung.name}]"), "One output per rung: its folder, its playlist, its bit rates.")
    yield Flags(
        ("-fps_mode", "passthrough"),
        "The fps filter already made the clock; a second one per output could drift from it.",
    )
    yield Flags(
        (
            "-c:v",
            "libx264",
            "-preset",
            rung.preset,
            *_tune(rung),
            "-profile:v",
            rung.profile,
            "-level",
            rung.level(ladder.frame_rate),
        ),
        "Profile and level are said aloud, because the master playlist promises them in CODECS (RFC 6381).",
    )
    yield Flags(
        ("-b:v", str(rung.video_bps), "-maxrate", str(rung.maxrate_bps), "-bufsize", str(rung.bufsize_bits)),
        "Average, peak and buffer of the rung; the master playlist prints the same numbers (RFC 8216 4.3.4.2).",
    )
    yield Flags(
        ("-g", str(ladder.gop_frames), "-keyint_min", str(ladder.gop_frames), "-sc_threshold", "0", "-flags", "+cgop"),
        "Closed GOPs of one length, none cut short by a scene: players switch rungs at their borders (RFC 8216 6.2.4).",
    )
    yield from _first_keyframe(ladder)


def _tune(rung: Picture) -> tuple[str, ...]:
    return () if rung.tune == "none" else ("-tune", rung.tune)


def _first_keyframe(ladder: Ladder) -> Iterator[Flags]:
    # Segments of several GOPs are cut by time, and an odd keyframe would move every cut: the first has full length.
    if ladder.segment_gops == 1 and ladder.first_segment_seconds < ladder.segment_seconds:
        yield Flags(
            ("-force_key_frames", f"expr:eq(n,{ladder.frame_rate}*{ladder.first_segment_seconds})", "-forced-idr", "1"),
            "One extra keyframe, by frame count, ends the first segment early: viewers start sooner. x264 counts its "
            "GOPs from there. Not by time: an encoder that joins a running stream does not start at 0.",
        )


def _audio(rung: Picture) -> Iterator[Flags]:
    yield Flags(("-map", "0:a:0?"), "A publisher without sound is on air all the same.")
    yield Flags(
        ("-c:a", "aac", "-b:a", str(rung.audio_bps), "-ar", "48000", "-ac", "2", "-af", "aresample=async=1000"),
        "One kind of sound whatever is sent; gaps are filled and drift is stretched away (ffmpeg-filters, aresample).",
    )


def _hls(ladder: Ladder, folder: str, *, copied: bool) -> Iterator[Flags]:
    yield Flags(
        ("-f", "hls", "-hls_segment_type", "mpegts"), "HLS with MPEG-TS segments: the format that every player reads."
    )
    by_keyframe = ladder.segment_gops == 1 and not copied
    yield Flags(
        ("-hls_time", EVERY_KEYFRAME if by_keyframe else str(ladder.segment_seconds)),
        "A segment ends at every keyframe: the encoder made them for that."
        if by_keyframe
        else "A segment is several GOPs long.",
    )
    yield Flags(("-hls_list_size", str(ladder.window_segments)), "The window: how far back a viewer can seek.")
    yield Flags(
        ("-hls_delete_threshold", str(ladder.window_segments + 1)),
        "A segment that left the playlist stays on disk for one more window and its own length: RFC 8216 6.2.2.",
    )
    yield Flags(
        ("-hls_flags", "append_list+delete_segments+independent_segments+omit_endlist+program_date_time+temp_file"),
        "After a restart the playlist goes on, with a discontinuity (append_list). Files appear under their name only "
        "when they are whole (temp_file). A stream that stops may come back: nothing says it ended (omit_endlist).",
    )
    yield Flags(
        ("-hls_segment_filename", f"{folder}/{RUN_ID}-%05d.ts", f"{folder}/index.m3u8"),
        "The run id keeps names unique over restarts: a cache may keep a segment for ever.",
    )


def _poster(ladder: Ladder, path: str) -> Iterator[Flags]:
    chosen = f"select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{ladder.poster_seconds})"
    small = "scale=640:360:force_original_aspect_ratio=decrease:out_range=pc,format=yuv420p"
    yield Flags(
        ("-map", "0:v:0", "-vf", f"{chosen},{small}"),
        "The poster: the first picture at once, then one every poster_seconds. A filter graph of its own: in the one "
        "above it would hold back every rung until its next picture (measured, 7.1).",
    )
    yield Flags(
        ("-fps_mode", "passthrough", "-c:v", "mjpeg", "-q:v", "4", "-threads", "1"),
        "A JPEG of each picture that select let through; a second thread would hold the first one back.",
    )
    yield Flags(
        ("-strict", "unofficial", "-color_range", "pc"),
        "JPEG has the full range of values. FFmpeg 5.1 accepts it this way without a warning about pixel formats.",
    )
    yield Flags(
        ("-f", "image2", "-update", "1", "-atomic_writing", "1", path),
        "The same file again and again, each time by rename: no viewer sees half a picture (ffmpeg-formats, image2).",
    )
