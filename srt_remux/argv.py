"""FFmpeg's argument list: MPEG-TS from standard input becomes one RTMP publish, and nothing is encoded but odd sound.

Each group of arguments carries its reason, like the encoder's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from srt_remux.lookout import Finding

SOUND_BPS = 128_000

DECODERS = {
    "aac": "aac",
    "aac-latm": "aac_latm",
    "mpeg-audio": "mp3float,mp3,mp2float,mp2",
    "ac3": "ac3",
    "eac3": "eac3",
    "opus": "libopus,opus",
    "dts": "dca",
    "truehd": "truehd",
    "s302m": "s302m",
}
"""FFmpeg's decoders for each name of codecs.AUDIO."""


class Flags(NamedTuple):
    """Arguments that belong together, one string per token, and the reason for them."""

    tokens: tuple[str, ...]
    why: str


def argv(finding: Finding, url: str) -> list[str]:
    """The argument list, one string per token, program name first."""
    return [token for group in flags(finding, url) for token in group.tokens]


def is_copied(finding: Finding) -> bool:
    """Whether the sound goes to RTMP as it is: AAC-LC in ADTS, or AAC whose first frame nobody has seen yet."""
    sound = finding.sound
    return sound is not None and sound.codec == "aac" and (finding.adts is None or finding.adts.is_plain)


def flags(finding: Finding, url: str) -> Iterator[Flags]:
    """The argument list in groups with their reasons."""
    yield Flags(("ffmpeg", "-hide_banner"), "FFmpeg 5.1 or newer.")
    yield Flags(("-nostdin",), "Standard input is the caller's stream, not a keyboard.")
    yield Flags(
        ("-nostats", "-loglevel", "warning"), "The journal keeps what went wrong, not a progress line per second."
    )
    yield from _input(finding)
    yield from _tracks(finding)
    yield from _output(url)


def _input(finding: Finding) -> Iterator[Flags]:
    yield Flags(
        ("-protocol_whitelist", "pipe"), "The input is one open descriptor: what a stranger sends opens nothing."
    )
    yield Flags(
        ("-codec_whitelist", ",".join(("h264", *DECODERS.values()))),
        "FFmpeg decodes the first frames of every track, and the tables are a stranger's: no other decoder runs.",
    )
    yield Flags(
        ("-threads", "1"), "One thread for those frames: more would cost memory for each caller and gain nothing."
    )
    yield Flags(("-fpsprobesize", "0"), "Copying needs no measured frame rate: nobody counts twenty frames first.")
    yield Flags(
        ("-analyzeduration", str(round(finding.analyze_seconds * 1e6))),
        "MPEG-TS has no header, so FFmpeg looks for tracks until this time of the stream is over: 5 s without it "
        "(measured, 5.1.9). What it must find was seen to begin within this time; all that it reads is sent. Not "
        "-fflags nobuffer: it throws away what was read, with the first keyframe in it.",
    )
    yield Flags(("-f", "mpegts"), "The demuxer is fixed, not guessed.")
    yield Flags(("-i", "pipe:0"), "The socket that nginx@srt connected.")


def _tracks(finding: Finding) -> Iterator[Flags]:
    yield Flags(("-map", f"0:i:{finding.video.pid:#x}", "-c:v", "copy"), "By PID: the program that was chosen.")
    if finding.sound is None:
        return
    yield Flags(("-map", f"0:i:{finding.sound.pid:#x}"), "One track of sound: RTMP has room for one.")
    if is_copied(finding):
        yield Flags(
            ("-c:a", "copy", "-bsf:a", "aac_adtstoasc"),
            "RTMP wants AAC's configuration once, at the start, and frames without ADTS headers.",
        )
    else:
        yield Flags(
            ("-c:a", "aac", "-b:a", str(SOUND_BPS), "-ar", "48000", "-ac", "2"),
            "Sound that RTMP's players do not know: AAC-LC, the one kind that all know.",
        )


def _output(url: str) -> Iterator[Flags]:
    yield Flags(
        ("-max_interleave_delta", "500000"),
        "Packets leave in order of time, so pictures wait for sound. If the sound stops, not the default's 10 s.",
    )
    yield Flags(("-flvflags", "no_duration_filesize"), "A live stream is not rewound to write how long it was.")
    yield Flags(
        ("-tcp_nodelay", "1"),
        "The handshake is a row of small messages; Nagle's algorithm would hold each until the one before is answered.",
    )
    yield Flags(("-f", "flv", url), "The bridge on loopback; who publishes stands in the address, and no secret.")
