"""Did any rendered byte change? If that was meant: `python -m tests.golden.trees`, and read the diff."""

from __future__ import annotations

from difflib import unified_diff

import pytest

from headend.model.ladder import Ladder, Rendition
from headend.model.spec import Site, Spec, Stream
from tests.golden.trees import SPECS, kept, rendered, rendered_spec


def changes(old: dict[str, str], new: dict[str, str]) -> str:
    """A unified diff of two trees."""
    lines: list[str] = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path, "").splitlines(), new.get(path, "").splitlines()
        lines += unified_diff(before, after, f"old/{path}", f"new/{path}", lineterm="", n=0)
    return "\n".join(lines)


@pytest.mark.parametrize("name", SPECS)
def test_the_tree_is_as_git_has_it(name: str) -> None:
    assert changes(kept(name), rendered_spec(name)) == ""


def one_rung(video_kbps: int) -> Spec:
    rung = Rendition(name="720p", height=720, video_kbps=video_kbps)
    return Spec(
        site=Site(public_url="https://live.example.org"),
        ladders={"default": Ladder(renditions=(rung,))},
        streams=(Stream(slug="live", title="Live"),),
    )


def test_2800_to_3000_changes_two_lines_of_a_stream_and_the_same_two_of_its_ladder() -> None:
    """One number, typed once: it reaches the encoder's rates and the master playlist's bandwidths, and nothing else."""
    old, new = one_rung(2800), one_rung(3000)
    diff = [line for line in changes(rendered(old), rendered(new)).splitlines() if not line.startswith("@@")]
    was, now = old.ladders["default"].renditions[0], new.ladders["default"].renditions[0]
    rest = 'RESOLUTION=1280x720,FRAME-RATE=30.000,CODECS="avc1.64001F,mp4a.40.2"'
    rates = [
        "-  -b:v 2800000 -maxrate 3080000 -bufsize 3080000",
        "+  -b:v 3000000 -maxrate 3300000 -bufsize 3300000",
    ]
    bandwidths = [
        f"-#EXT-X-STREAM-INF:BANDWIDTH={was.peak_bandwidth_bps},AVERAGE-BANDWIDTH={was.average_bandwidth_bps},{rest}",
        f"+#EXT-X-STREAM-INF:BANDWIDTH={now.peak_bandwidth_bps},AVERAGE-BANDWIDTH={now.average_bandwidth_bps},{rest}",
    ]
    # A stream that is made at run time has no file of its own: it runs with its ladder's.
    assert diff == [
        *heads("ingest/etc/headend/ladders/default/encode"),
        *rates,
        *heads("ingest/etc/headend/ladders/default/master.m3u8"),
        *bandwidths,
        *heads("ingest/etc/headend/streams/live/encode"),
        *rates,
        *heads("web/etc/headend/streams/live/master.m3u8"),
        *bandwidths,
    ]


def heads(path: str) -> tuple[str, str]:
    return f"--- old/{path}", f"+++ new/{path}"
