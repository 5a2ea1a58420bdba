"""Do the playlists name all of the ladder's segments, and do they play?"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import m3u8
import pytest

from tests.finisher.conftest import Sent
from tests.support.finishing import decodes, finish
from tests.support.flv import Recorder

DATE = "2026-11-28T06:31:00.000+00:00"
MASTER = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x180,CODECS="avc1.64001F,mp4a.40.2"
720p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=160x90,CODECS="avc1.64001E,mp4a.40.2"
360p/index.m3u8
"""
SOURCE = "-f lavfi -i testsrc2=size={size}:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 -t {seconds}"
CODED = "-c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p -c:a aac -f hls -hls_time 2 -hls_list_size 0"


def keep_ladder(folder: Path, rendition: str, size: str, *, seconds: int = 12, broken_at: int = 3) -> list[str]:
    """What the archiver leaves of a rendition, with a discontinuity; the lines about it."""
    live = folder.parent / f"live-{rendition}"
    live.mkdir(exist_ok=True)
    argv = [
        "ffmpeg",
        "-nostdin",
        "-y",
        "-v",
        "error",
        *SOURCE.format(size=size, seconds=seconds).split(),
        *CODED.split(),
    ]
    subprocess.run([*argv, "-hls_segment_filename", str(live / "%05d.ts"), str(live / "index.m3u8")], check=True)
    media, lines = b"", []
    at = datetime(2026, 11, 28, 6, 31, tzinfo=UTC)
    for number, segment in enumerate(m3u8.load(str(live / "index.m3u8")).segments):
        data = (live / segment.uri).read_bytes()
        mark = "D" if number in (0, broken_at) else "-"
        lines.append(
            f"{len(media)} {len(data)} {segment.duration:.6f} {at.isoformat('T', 'milliseconds')} {mark} {segment.uri}"
        )
        media += data
        at += timedelta(seconds=segment.duration)
    (folder / f"ladder-{rendition}.ts").write_bytes(media)
    (folder / f"ladder-{rendition}.txt").write_text("".join(f"{line}\n" for line in lines))
    return lines


def test_the_ladder_is_kept_as_it_was(folder: Path, sent: Sent) -> None:
    (folder / "ladder.master").write_text(MASTER)
    lines = {name: keep_ladder(folder, name, size) for name, size in (("720p", "320x180"), ("360p", "160x90"))}
    done = finish(folder, Recorder(folder).record(sent()), vod=True)
    assert (done.result["ok"], done.result["fault"]) == (True, None)
    names = ["ladder.m3u8"] + [f"ladder-{name}.{end}" for name in lines for end in ("m3u8", "ts")]
    assert [file["name"] for file in done.result["vod"]] == names
    assert [file["bytes"] for file in done.result["vod"]] == [(folder / name).stat().st_size for name in names]

    master = m3u8.load(str(folder / "ladder.m3u8"))
    assert [(one.uri, one.stream_info.bandwidth) for one in master.playlists] == [
        ("ladder-720p.m3u8", 900_000),
        ("ladder-360p.m3u8", 500_000),
    ]
    for name, expected in lines.items():
        playlist = m3u8.load(str(folder / f"ladder-{name}.m3u8"))
        assert (playlist.playlist_type, playlist.is_endlist) == ("vod", True)
        assert {segment.uri for segment in playlist.segments} == {f"ladder-{name}.ts"}
        said = [line.split() for line in expected]
        assert [segment.byterange for segment in playlist.segments] == [f"{one[1]}@{one[0]}" for one in said]
        # Before the first there is nothing to be discontinuous with.
        assert [segment.discontinuity for segment in playlist.segments] == [
            number > 0 and one[4] == "D" for number, one in enumerate(said)
        ]
        assert sum(segment.duration for segment in playlist.segments) == pytest.approx(12, abs=0.1)
        assert max(segment.duration for segment in playlist.segments) <= playlist.target_duration
    decodes(folder / "ladder.m3u8")


def test_a_rendition_of_which_nothing_was_kept_is_left_out(folder: Path, sent: Sent) -> None:
    (folder / "ladder.master").write_text(MASTER)
    keep_ladder(folder, "360p", "160x90")
    done = finish(folder, Recorder(folder).record(sent()), vod=True)
    assert [file["name"] for file in done.result["vod"]] == ["ladder.m3u8", "ladder-360p.m3u8", "ladder-360p.ts"]
    (only,) = m3u8.load(str(folder / "ladder.m3u8")).playlists
    assert (only.uri, only.stream_info.bandwidth) == ("ladder-360p.m3u8", 500_000)


def test_lines_whose_bytes_are_not_there_count_for_nothing(folder: Path, sent: Sent) -> None:
    (folder / "ladder.master").write_text(MASTER)
    keep_ladder(folder, "360p", "160x90")
    with (folder / "ladder-360p.txt").open("a") as index:
        index.write(f"999999999 10 2.0 {DATE} - more.ts\n../../etc/passwd\n")
    finish(folder, Recorder(folder).record(sent()), vod=True)
    text = (folder / "ladder-360p.m3u8").read_text()
    assert ("999999999" in text, "passwd" in text, text.count("#EXTINF")) == (False, False, 6)


@pytest.mark.parametrize("master", [None, "", MASTER, "../x/index.m3u8\n"])
def test_without_the_ladder_the_film_is_good_all_the_same(folder: Path, sent: Sent, master: str | None) -> None:
    if master is not None:
        (folder / "ladder.master").write_text(master)
    done = finish(folder, Recorder(folder).record(sent()), vod=True)
    assert (done.result["ok"], done.result["vod"]) == (True, [])
    assert "ladder" in done.result["fault"]


def test_nothing_of_it_is_made_where_it_is_not_wanted(folder: Path, sent: Sent) -> None:
    (folder / "ladder.master").write_text(MASTER)
    keep_ladder(folder, "360p", "160x90")
    done = finish(folder, Recorder(folder).record(sent()))
    assert done.result["vod"] == []
    assert not list(folder.glob("*.m3u8"))
