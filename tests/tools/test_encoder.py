"""Does the real encoder make what the master playlist claims? The shipped script, our nginx, a real publisher."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import m3u8
import pytest

from headend.model.ladder import Ladder, Rendition, SourceRendition
from tests.support.encoding import Studio, studio
from tests.support.readback import avc_name, frames, keyframe_times, streams

RENDITIONS = (
    Rendition(name="360p", height=360, video_kbps=600, audio_kbps=96),
    Rendition(name="240p", height=240, video_kbps=300, audio_kbps=64, profile="main"),
)
SMALL = Ladder(window_seconds=6, poster_seconds=2, renditions=RENDITIONS)


def segments(folder: Path) -> list[Path]:
    return [folder / name for name in m3u8.load(str(folder / "index.m3u8")).files]


def broadcast(scene: Studio, seconds: float, *, sound: bool = True, size: str = "640x360") -> None:
    """One publisher comes, sends for a while and leaves; the encoder ends by itself, without an error."""
    with scene.encoder() as encoder:
        with scene.publish(seconds, sound=sound, size=size) as publisher:
            assert publisher.wait(30) == 0
        assert encoder.wait(5) == 0
        assert encoder.stderr
        assert encoder.stderr.read() == ""


@pytest.fixture(scope="module")
def scene() -> Iterator[Studio]:
    """A stream that was on air for a good three seconds."""
    with studio(SMALL) as one:
        broadcast(one, 3.2)
        yield one


@pytest.mark.parametrize("rung", RENDITIONS, ids=lambda rung: rung.name)
def test_a_rendition_is_what_the_master_playlist_claims(rung: Rendition, scene: Studio) -> None:
    master = m3u8.load(f"{scene.layout.config_dir}/streams/demo/master.m3u8")
    claims = next(one.stream_info for one in master.playlists if one.uri == f"{rung.name}/index.m3u8")
    for segment in segments(scene.media / rung.name):
        found = streams(segment)
        video, audio = found["video"], found["audio"]
        assert (video["width"], video["height"]) == claims.resolution
        assert (video["pix_fmt"], video["has_b_frames"]) == ("yuv420p", 0)
        assert (audio["codec_name"], audio["profile"], audio["sample_rate"]) == ("aac", "LC", "48000")
        assert f"{avc_name(segment)},mp4a.40.2" == claims.codecs
        assert video["r_frame_rate"] == f"{claims.frame_rate:.0f}/1"


def test_the_first_segment_is_short_and_every_picture_is_there(scene: Studio) -> None:
    assert frames(segments(scene.media / "360p"))[:2] == [30, 60]


def test_segments_start_with_the_same_keyframe_in_every_rendition(scene: Studio) -> None:
    for high, low in zip(*(segments(scene.media / rung.name) for rung in RENDITIONS), strict=True):
        assert keyframe_times(high) == keyframe_times(low)
        assert len(keyframe_times(high)) == 1


def test_the_media_playlist_has_dates_and_no_end(scene: Studio) -> None:
    playlist = m3u8.load(str(scene.media / "360p" / "index.m3u8"))
    assert playlist.is_independent_segments
    assert not playlist.is_endlist
    assert all(segment.program_date_time for segment in playlist.segments)
    assert max(segment.duration for segment in playlist.segments) == pytest.approx(2)


def test_the_poster_is_a_picture(scene: Studio) -> None:
    video = streams(scene.media / "poster.jpg")["video"]
    assert (video["codec_name"], video["width"], video["height"]) == ("mjpeg", 640, 360)


def test_no_half_file_is_left(scene: Studio) -> None:
    assert not list(scene.media.rglob("*.tmp"))


def test_a_publisher_without_sound_is_on_air() -> None:
    with studio(SMALL) as one:
        broadcast(one, 3, sound=False)
        assert set(streams(segments(one.media / "240p")[0])) == {"video"}


def test_a_publisher_of_another_shape_gets_bars() -> None:
    with studio(SMALL) as one:
        broadcast(one, 3, size="480x360")
        video = streams(segments(one.media / "240p")[0])["video"]
        assert (video["width"], video["height"], video["sample_aspect_ratio"]) == (426, 240, "1:1")


def test_a_killed_encoder_goes_on_with_a_discontinuity() -> None:
    with studio(SMALL) as one, one.publish(20) as publisher:
        folder = one.media / "360p"
        encode_until(one, lambda: len(segments(folder)) == 2)
        encode_until(one, lambda: len({name.stem.split("-")[0] for name in segments(folder)}) == 2)
        publisher.kill()
        playlist = m3u8.load(str(folder / "index.m3u8"))
    numbers = [int(Path(name).stem.split("-")[1]) for name in playlist.files]
    assert numbers == [0, 1, 2]
    assert playlist.media_sequence == 0
    assert [segment.discontinuity for segment in playlist.segments] == [True, False, True]


def encode_until(scene: Studio, happened: Callable[[], bool]) -> None:
    """Let the encoder run until something is seen in its files, then kill it."""
    with scene.encoder() as encoder:
        end = time.monotonic() + 10
        while not (scene.media / "360p" / "index.m3u8").exists() or not happened():
            assert time.monotonic() < end
            time.sleep(0.02)
        encoder.kill()


@pytest.mark.parametrize("height, codec", [(360, "copied"), (480, "encoded")])
def test_the_source_rendition(height: int, codec: str) -> None:
    source = SourceRendition(height=height, video_kbps=4000)
    with studio(Ladder(window_seconds=6, source=source, renditions=RENDITIONS[1:])) as one, one.encoder() as encoder:
        with one.publish(6) as publisher:
            publisher.wait(30)
        encoder.wait(5)
        video = streams(segments(one.media / "source")[0])["video"]
        assert video["height"] == height
        # The test publisher uses ultrafast, which never makes High; the encoder of this rendition always does.
        assert video["profile"] == {"copied": "Constrained Baseline", "encoded": "High"}[codec]
