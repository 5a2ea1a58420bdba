"""Are the derived numbers of a rendition right, and does libx264 write what CODECS promises?"""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from headend.lint.rungs import preset_faults
from headend.model.h264 import LEVELS, Profile, level_idc
from headend.model.ladder import Ladder, Preset, Rendition, SourceRendition, Tune
from headend.places import Places
from headend.yaml_tree import read_tree

RENDITION = Rendition(name="720p", height=720, video_kbps=2800)
PLACES = Places(read_tree("{}", "spec.yaml")[0])


def test_every_number_of_a_rendition() -> None:
    assert (RENDITION.width, RENDITION.height) == (1280, 720)
    assert RENDITION.video_bps == 2_800_000
    assert RENDITION.audio_bps == 128_000
    assert RENDITION.maxrate_bps == 3_080_000
    assert RENDITION.bufsize_bits == 3_080_000
    assert RENDITION.peak_bandwidth_bps == (3_080_000 + 128_000) * 188 // 184 + 50_000
    assert RENDITION.average_bandwidth_bps == (2_800_000 + 128_000) * 188 // 184 + 50_000
    assert RENDITION.codecs(30) == "avc1.64001F,mp4a.40.2"
    assert RENDITION.level(60) == "3.2"


@pytest.mark.parametrize(
    "height,width",
    [(144, 256), (240, 426), (360, 640), (480, 854), (540, 960), (720, 1280), (1080, 1920), (2160, 3840)],
)
def test_the_width_is_even_and_16_to_9(height: int, width: int) -> None:
    assert Rendition(name="r", height=height, video_kbps=1000).width == width


def test_the_default_ladder_is_the_briefs() -> None:
    assert [(rung.height, rung.video_kbps) for rung in Ladder().rungs] == [(1080, 3500), (720, 2000), (480, 1000)]


def test_the_source_is_the_first_rung() -> None:
    ladder = Ladder(source=SourceRendition(height=1440, video_kbps=9000))
    assert [rung.name for rung in ladder.rungs] == ["source", "1080p", "720p", "480p"]


def test_the_clock() -> None:
    ladder = Ladder(segment_seconds=4, window_seconds=60, frame_rate=25, gop_frames=50)
    assert (ladder.segment_gops, ladder.window_segments) == (2, 15)


def test_the_highest_rate_raises_the_level() -> None:
    low = level_idc("main", width=1280, height=720, frame_rate=30, maxrate_bps=14_000_000, bufsize_bits=14_000_000)
    high = level_idc("main", width=1280, height=720, frame_rate=30, maxrate_bps=14_000_001, bufsize_bits=14_000_000)
    assert (low, high) == (31, 32)


def test_high_profile_may_have_a_quarter_more() -> None:
    size = {"width": 1280, "height": 720, "frame_rate": 30}
    assert level_idc("high", **size, maxrate_bps=17_500_000, bufsize_bits=17_500_000) == 31


def test_every_level_of_the_table_holds_more_than_the_one_before() -> None:
    for lower, higher in pairwise(LEVELS):
        assert all(less <= more for less, more in zip(lower, higher, strict=True))
        assert lower != higher


def encode(rendition: Rendition, frame_rate: int, path: Path) -> str:
    """The RFC 6381 name of what ffmpeg really writes: profile_idc, constraint byte and level_idc of the SPS."""
    tune = [] if rendition.tune == "none" else ["-tune", rendition.tune]
    picture = f"testsrc2=s={rendition.width}x{rendition.height}:r={frame_rate}"
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-frames:v", "3"]
    argv += ["-c:v", "libx264", "-preset", rendition.preset, *tune, "-profile:v", rendition.profile]
    argv += ["-level", rendition.level(frame_rate), "-pix_fmt", "yuv420p", "-b:v", str(rendition.video_bps)]
    argv += ["-maxrate", str(rendition.maxrate_bps), "-bufsize", str(rendition.bufsize_bits), "-f", "h264", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    sps = path.read_bytes().split(b"\x00\x00\x01\x67")[1]
    return f"avc1.{sps[:3].hex().upper()}"


SIZES = [
    (144, 30, 100), (240, 25, 300), (360, 30, 600), (480, 30, 1000), (480, 60, 1500), (720, 30, 2000), (720, 60, 4000),
    (1080, 30, 3500), (1080, 60, 6000), (480, 30, 12_000), (2160, 10, 20_000),
]  # fmt: skip


@pytest.mark.parametrize("height,frame_rate,video_kbps", SIZES)
def test_the_promised_level_is_the_written_one(height: int, frame_rate: int, video_kbps: int, tmp_path: Path) -> None:
    rendition = Rendition(name="r", height=height, video_kbps=video_kbps)
    assert f"{encode(rendition, frame_rate, tmp_path / 'o.264')},mp4a.40.2" == rendition.codecs(frame_rate)


@pytest.mark.parametrize("profile", get_args(Profile))
@pytest.mark.parametrize("preset", get_args(Preset))
def test_the_promised_profile_is_the_written_one_or_the_lint_refuses_it(
    preset: Preset, profile: Profile, tmp_path: Path
) -> None:
    for tune in get_args(Tune):
        rendition = Rendition(name="r", height=144, video_kbps=200, preset=preset, profile=profile, tune=tune)
        refused = list(preset_faults((("renditions", 0), rendition), PLACES))
        kept = f"{encode(rendition, 30, tmp_path / 'o.264')},mp4a.40.2" == rendition.codecs(30)
        assert kept or refused


@pytest.mark.parametrize("profile", ["main", "high"])
def test_what_the_lint_refuses_would_lie(profile: Profile, tmp_path: Path) -> None:
    rendition = Rendition(name="r", height=144, video_kbps=200, preset="ultrafast", profile=profile)
    assert encode(rendition, 30, tmp_path / "o.264") == "avc1.42C00C"


def test_bits_per_pixel() -> None:
    assert RENDITION.bits_per_pixel(30) == pytest.approx(2_800_000 / (1280 * 720 * 30))
