"""The scripts that become an encoder: its argument list, quoted, each part under its reason."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from textwrap import wrap

from headend.ffmpeg import ANY_STREAM, RUN_ID, SLUG, Flags, encoder_flags, loopback_url, media_dir
from headend.layout import Layout
from headend.model.base import SLUG_PATTERN
from headend.model.h264 import Profile
from headend.model.ladder import Ladder
from headend.model.spec import Stream
from headend.templating import fill

COMMENT_WIDTH = 118
VARIABLES = {RUN_ID: '"$run_id"', SLUG: '"$slug"'}

# What a player of a profile can decode too, in ffprobe's names (libavcodec/profiles.c). Plain Baseline may hold slice
# groups, which no later profile knows (H.264 A.2.1).
PROFILES_WITHIN: dict[Profile, str] = {
    "baseline": '"Constrained Baseline"',
    "main": '"Constrained Baseline" | Main',
    "high": '"Constrained Baseline" | Main | High',
}


def encode_script(stream: Stream, ladder: Ladder, layout: Layout, *, rtmp_port: int) -> str:
    """A bash script that becomes the encoder of a stream; it takes no argument and reads no environment."""
    return _script(stream, ladder, layout, rtmp_port=rtmp_port, made_on=None)


def ladder_script(name: str, ladder: Ladder, layout: Layout, *, rtmp_port: int) -> str:
    """A bash script that becomes the encoder of a stream that was made at run time on a ladder: `encode SLUG`."""
    return _script(ANY_STREAM, ladder, layout, rtmp_port=rtmp_port, made_on=name)


def _script(stream: Stream, ladder: Ladder, layout: Layout, *, rtmp_port: int, made_on: str | None) -> str:
    encode = encoder_flags(stream, ladder, layout, rtmp_port=rtmp_port)
    # What a stream needs that tmpfiles.d and nginx@web's configuration do not know.
    made = None if made_on is None else _made(made_on, ladder, layout)
    progress = _word(f"{media_dir(stream, layout)}/progress")
    if ladder.source is None:
        return fill("ffmpeg/encode.j2", argv=_array(encode), made=made, progress=progress)
    copy = encoder_flags(stream, ladder, layout, rtmp_port=rtmp_port, copy_source=True)
    return fill(
        "ffmpeg/encode_or_copy.j2",
        argv=_array(encode),
        made=made,
        progress=progress,
        copy_argv=_array(copy),
        url=_word(loopback_url(stream, rtmp_port)),
        source=ladder.source,
        frame_rate=ladder.frame_rate,
        level_idc=ladder.source.level_idc(ladder.frame_rate),
        profiles=PROFILES_WITHIN[ladder.source.profile],
    )


def _made(name: str, ladder: Ladder, layout: Layout) -> dict[str, str]:
    folder = media_dir(ANY_STREAM, layout)
    return {
        "ladder": name,
        "slug_pattern": SLUG_PATTERN,
        "master_source": shlex.quote(f"{layout.config_dir}/ladders/{name}/master.m3u8"),
        "master": _word(f"{folder}/master.m3u8"),
        "folders": " ".join(_word(f"{folder}/{rung.name}") for rung in ladder.rungs),
    }


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
    """One token, quoted for bash, with the script's own variables in place of RUN_ID and SLUG."""
    parts = re.split(f"({RUN_ID}|{SLUG})", token)
    return "".join(VARIABLES.get(part) or shlex.quote(part) for part in parts if part) or "''"
