"""Are the costs right, to the byte, and is the calibration a real encode?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headend.cli.calibrate import CalibrationError, calibrate, from_file
from headend.loader import parse
from headend.model.spec import Spec
from headend.plan import plan_of
from tests.headend.house import LAYOUT

TEXT = """
site:
  public_url: https://live.example.org
ladders:
  small:
    window_seconds: 12
    renditions:
      - {name: 360p, height: 360, video_kbps: 600, audio_kbps: 96}
      - {name: 144p, height: 144, video_kbps: 150, audio_kbps: 32}
streams:
  - {slug: one, title: One, ladder: small}
  - {slug: two, title: Two, ladder: small}
"""


@pytest.fixture
def spec() -> Spec:
    return parse(TEXT, "spec.yaml")[0]


def test_bytes_follow_from_the_average_that_the_master_playlist_promises(spec: Spec) -> None:
    rung = plan_of(spec).streams[0].rungs[0]
    assert rung.average_bps == spec.ladders["small"].renditions[0].average_bandwidth_bps == 761_130
    assert rung.bytes_per_hour == 761_130 * 3600 // 8
    # Two windows of 12 s and two segments of 2 s.
    assert rung.window_bytes == 761_130 * 28 // 8


def test_a_stream_is_the_sum_of_its_renditions(spec: Spec) -> None:
    stream = plan_of(spec).streams[0]
    low, high = stream.rungs[1].bytes_per_hour, stream.rungs[0].bytes_per_hour
    assert stream.recording_bytes_per_hour == low + high
    assert stream.egress_bytes_per_viewer_hour == (low, high)


def test_the_origin_is_the_sum_of_its_streams(spec: Spec) -> None:
    plan = plan_of(spec)
    assert plan.window_bytes == 2 * plan.streams[0].window_bytes
    assert replace(plan.streams[0], slug="two") == plan.streams[1]


def test_the_clip_takes_the_place_of_the_input_and_nothing_else() -> None:
    argv = from_file(["ffmpeg", "-rtmp_live", "live", "-i", "rtmp://x", "-map", "0:v:0", "out"], Path("clip.flv"))
    assert argv == ["ffmpeg", "-nostdin", "-v", "error", "-f", "flv", "-i", "clip.flv", "-map", "0:v:0", "out"]


def test_the_calibration_encodes_each_used_ladder_once(spec: Spec) -> None:
    measured = calibrate(spec, LAYOUT)
    assert [ladder.ladder for ladder in measured] == ["small"]
    assert 0.01 < measured[0].cores < 10


def test_a_machine_without_ffmpeg_gets_a_remedy(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CalibrationError, match="apt install ffmpeg"):
        calibrate(spec, LAYOUT)
