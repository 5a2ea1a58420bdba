"""Does the strip show the film, and does its index say which picture is of when?"""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from finisher import strip
from finisher.job import PartName
from finisher.join import Keyframe
from finisher.survey import Part
from tests.finisher.conftest import Sent
from tests.support.finishing import STEM, film_of, finish
from tests.support.flv import Message, Recorder

CUE = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)\n")


class Cue(NamedTuple):
    start: float
    end: float
    picture: str
    place: tuple[int, int, int, int]


def cues(index: Path) -> list[Cue]:
    """The index, read as a player reads it."""
    head, *blocks = index.read_text().split("\n\n")
    assert head == "WEBVTT"
    found = []
    for block in filter(None, blocks):
        match = CUE.fullmatch(block.rstrip("\n") + "\n")
        assert match, block
        first, last = (int(match[n]) * 3600 + int(match[n + 1]) * 60 + float(match[n + 2]) for n in (1, 4))
        found.append(Cue(first, last, match[7], (int(match[8]), int(match[9]), int(match[10]), int(match[11]))))
    return found


class Picture(NamedTuple):
    """Grey values."""

    width: int
    height: int
    values: bytes

    def cut(self, place: tuple[int, int, int, int]) -> bytes:
        x, y, width, height = place
        return b"".join(self.values[row * self.width + x :][:width] for row in range(y, y + height))


def decoded(picture: Path) -> Picture:
    """A JPEG as grey values of its full range."""
    with av.open(str(picture)) as container:
        frame = next(container.decode(video=0)).reformat(format="gray")
        plane = frame.planes[0]
        rows = memoryview(plane).cast("B")
        values = b"".join(bytes(rows[row * plane.line_size :][: frame.width]) for row in range(frame.height))
        return Picture(frame.width, frame.height, values)


def scene(film: Path, seconds: float) -> bytes:
    """The film at a time, as small as in the strip."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-ss", f"{max(0.0, seconds - 0.001):.3f}", "-i", str(film)]
    shape = ["-vf", "scale=160:90:out_range=pc,format=gray", "-frames:v", "1", "-f", "rawvideo", "-"]
    return subprocess.run([*argv, *shape], capture_output=True, check=True).stdout


def difference(one: bytes, other: bytes) -> float:
    assert len(one) == len(other) == 160 * 90
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def test_each_picture_is_the_film_at_its_time(folder: Path, shown: list[Message]) -> None:
    film = film_of(folder, Recorder(folder, seconds=9.5).record(shown))
    found = cues(folder / f"{STEM}.strip.vtt")
    strip_picture = decoded(folder / f"{STEM}.strip.jpg")
    # A keyframe every two seconds.
    assert len(found) == 30
    assert (strip_picture.width, strip_picture.height) == (1600, 270)
    assert [cue.end for cue in found[:-1]] == [cue.start for cue in found[1:]]
    assert found[0].start == 0
    assert found[-1].end == pytest.approx(60, abs=0.1)
    assert {cue.picture for cue in found} == {f"{STEM}.strip.jpg"}
    assert len({cue.place for cue in found}) == 30
    tiles = [strip_picture.cut(cue.place) for cue in found]
    # The film itself is not one picture; each tile is nearest to its own scene.
    for number in range(0, 30, 3):
        looks = scene(film, found[number].start if number else 0.07)
        nearest = min(range(30), key=lambda other: difference(tiles[other], looks))
        assert difference(tiles[number], looks) < 6
        assert difference(tiles[nearest], tiles[number]) < 6
    assert max(sum(tile) / len(tile) for tile in tiles) > 60


def test_the_place_that_is_not_needed_is_black(folder: Path, sent: Sent) -> None:
    film_of(folder, Recorder(folder, seconds=5.5).record(sent(seconds=30)))
    found = cues(folder / f"{STEM}.strip.vtt")
    picture = decoded(folder / f"{STEM}.strip.jpg")
    assert (len(found), picture.width, picture.height) == (15, 1600, 180)
    for cue in found:
        tile = picture.cut(cue.place)
        assert 80 < sum(tile) / len(tile) < 200
    rest = picture.cut((5 * 160, 90, 800, 90))
    assert sum(rest) / len(rest) < 20


def test_a_tall_picture_has_bars(folder: Path, sent: Sent) -> None:
    film_of(folder, Recorder(folder).record(sent("-s", "180x320")))
    picture = decoded(folder / f"{STEM}.strip.jpg")
    tile = Picture(160, 90, picture.cut((0, 0, 160, 90)))
    assert max(tile.cut((0, 0, 40, 90))) < 20
    assert max(tile.cut((120, 0, 40, 90))) < 20
    assert sum(tile.cut((60, 0, 40, 90))) / 3600 > 60


def test_no_strip_is_made_where_none_is_wanted(folder: Path, sent: Sent) -> None:
    done = finish(folder, Recorder(folder).record(sent()), strip=False)
    assert (done.result["ok"], done.result["strip"], done.result["index"]) == (True, None, None)
    assert not list(folder.glob("*.strip.*"))


@pytest.mark.parametrize("hours,count,every", [(0.01, 18, 2), (0.5, 100, 18), (24, 100, 864)])
def test_a_long_film_has_no_more_pictures(hours: float, count: int, every: float) -> None:
    part = Part(PartName("x", 1, 1), 0, 0)
    frames = [(time + 0.066, Keyframe(0, part, 0, 0)) for time in range(0, int(hours * 3600), 2)]
    chosen = strip.choose(frames, hours * 3600)
    assert len(chosen) == count
    steps = [after[0] - before[0] for before, after in pairwise(chosen)]
    assert every - 2 <= min(steps)
    assert max(steps) <= every + 2


def test_times_are_written_as_webvtt_has_them() -> None:
    assert strip.stamp(0) == "00:00:00.000"
    assert strip.stamp(59.9996) == "00:01:00.000"
    assert strip.stamp(86399.25) == "23:59:59.250"
    assert strip.stamp(360_000) == "100:00:00.000"
