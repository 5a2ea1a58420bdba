"""Does a journey name every place of a number, and no other?"""

from __future__ import annotations

import pytest

from headend.explain import Journey, Subject, journey
from headend.loader import parse
from tests.headend.house import LAYOUT

TEXT = """
site:
  public_url: https://live.example.org
ladders:
  default:
    source: {height: 1440, video_kbps: 9000}
    renditions:
      - name: 720p
        height: 720
        video_kbps: 2800
      - {name: 480p, height: 480, video_kbps: 1000}
streams:
  - {slug: demo, title: Demo}
  - {slug: other, title: Other}
"""


def explained(rung: int, *keys: str) -> Journey:
    spec, places = parse(TEXT, "spec.yaml")
    subject = Subject(spec, spec.streams[0], spec.ladders["default"].rungs[rung])
    return journey(subject, places, LAYOUT, list(keys))


def test_a_typed_number_has_its_line() -> None:
    typed = {value.path: value for value in explained(1, "video_kbps").typed}
    video = typed["ladders.default.renditions[0].video_kbps"]
    assert (video.value, video.unit, video.place) == ("2800", "kbit/s", "spec.yaml:10:21")
    assert typed["ladders.default.renditions[0].audio_kbps"].place is None


def test_a_number_of_the_source_has_its_line() -> None:
    typed = {value.path: value for value in explained(0, "height").typed}
    assert typed["ladders.default.source.height"].place == "spec.yaml:6:22"


def test_a_derived_number_has_its_formula() -> None:
    derived = {value.name: value for value in explained(1, "video_kbps").derived}
    assert (derived["maxrate_bps"].value, derived["maxrate_bps"].formula) == ("3080000 bit/s", "video_bps x 110 %")
    assert derived["codecs"].value == "avc1.64001F,mp4a.40.2"


def test_a_bit_rate_is_printed_by_the_encoder_and_the_master_playlist_of_its_stream_only() -> None:
    printed = explained(1, "video_kbps").printed
    assert {line.path for line in printed} == {
        "/etc/headend/streams/demo/encode",
        "/etc/headend/streams/demo/master.m3u8",
    }
    for line in printed:
        assert "2800000" in line.text or "BANDWIDTH=3327739" in line.text


@pytest.mark.parametrize("key", ["name", "height", "video_kbps", "audio_kbps", "preset", "profile", "tune"])
def test_every_key_of_a_rendition_is_printed_somewhere(key: str) -> None:
    assert [line for line in explained(1, key).printed if line.key == key]


@pytest.mark.parametrize(
    "key", ["segment_seconds", "first_segment_seconds", "window_seconds", "frame_rate", "gop_frames"]
)
def test_every_key_of_the_clock_is_printed_somewhere(key: str) -> None:
    assert explained(1, key).printed


def test_no_comment_is_called_a_print() -> None:
    assert not [line for line in explained(1).printed if line.text.lstrip().startswith("# ")]


def test_the_column_is_where_the_number_begins() -> None:
    line = next(line for line in explained(1, "audio_kbps").printed if line.path.endswith("encode"))
    assert line.text[line.column - 1 :].startswith("128000")


@pytest.mark.parametrize(
    "more, stream, records, path, value, place",
    [
        ("", "", False, "recordings.record", "false", None),
        ("recordings:\n  record: true\n", "", True, "recordings.record", "true", "spec.yaml:16:11"),
        ("recordings:\n  record: true\n", ", record: never", False, "streams[0].record", "never", "spec.yaml:13:39"),
        ("", ", record: always", True, "streams[0].record", "always", "spec.yaml:13:39"),
    ],
)
def test_a_journey_says_whether_the_stream_is_recorded_and_by_whose_word(
    more: str, stream: str, records: bool, path: str, value: str, place: str | None
) -> None:
    text = TEXT.replace("title: Demo", f"title: Demo{stream}") + more
    spec, places = parse(text, "spec.yaml")
    found = journey(Subject(spec, spec.streams[0], spec.ladders["default"].rungs[1]), places, LAYOUT).recorded
    said = found.said_by
    assert (found.records, said.path, said.value, said.place) == (records, path, value, place)
