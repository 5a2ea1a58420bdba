"""The script that ffmpeg@<slug>.service starts: the encoder's argument list, quoted, each part under its reason."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from textwrap import wrap

from headend.ffmpeg import RUN_ID, Flags, encoder_flags, loopback_url
from headend.layout import Layout
from headend.model.h264 import Profile
from headend.model.ladder import Ladder
from headend.model.spec import Stream
from headend.templating import fill

COMMENT_WIDTH = 118

# What a player of a profile can decode too, in ffprobe's names (libavcodec/profiles.c). Plain Baseline may hold slice
# groups, which no later profile knows (H.264 A.2.1).
PROFILES_WITHIN: dict[Profile, str] = {
    "baseline": '"Constrained Baseline"',
    "main": '"Constrained Baseline" | Main',
    "high": '"Constrained Baseline" | Main | High',
}


def encode_script(stream: Stream, ladder: Ladder, layout: Layout, *, rtmp_port: int) -> str:
    """A bash script that becomes the encoder of a stream; it takes no argument and reads no environment."""
    encode = encoder_flags(stream, ladder, layout, rtmp_port=rtmp_port)
    if ladder.source is None:
        return fill("ffmpeg/encode.j2", argv=_array(encode))
    copy = encoder_flags(stream, ladder, layout, rtmp_port=rtmp_port, copy_source=True)
    return fill(
        "ffmpeg/encode_or_copy.j2",
        argv=_array(encode),
        copy_argv=_array(copy),
        url=loopback_url(stream, rtmp_port),
        source=ladder.source,
        frame_rate=ladder.frame_rate,
        level_idc=ladder.source.level_idc(ladder.frame_rate),
        profiles=PROFILES_WITHIN[ladder.source.profile],
    )


def _array(groups: Sequence[Flags]) -> str:
    """The inside of a bash array: one group of arguments per line, its reason above it the first time it occurs."""
    return "\n".join(f"  {line}" for line in _lines(groups))


def _lines(groups: Sequence[Flags]) -> Iterator[str]:
    said: set[str] = set()
    for group in groups:
        if group.why not in said:
            yield from (f"# {line}" for line in wrap(group.why, COMMENT_WIDTH))
            said.add(group.why)
        yield " ".join(map(_word, group.tokens))


def _word(token: str) -> str:
    """One token, quoted for bash, with the script's own run id in place of RUN_ID."""
    return '"$run_id"'.join(shlex.quote(part) if part else "" for part in token.split(RUN_ID)) or "''"
