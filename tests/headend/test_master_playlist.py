"""Does the master playlist say what the ladder is?"""

from __future__ import annotations

from headend.hls import master_playlist
from headend.model.ladder import Ladder, Rendition, SourceRendition

HD = Rendition(name="720p", height=720, video_kbps=2000)
SD = Rendition(name="480p", height=480, video_kbps=1000, audio_kbps=96, profile="main")


def test_in_full() -> None:
    assert master_playlist(Ladder(renditions=(HD, SD))) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-STREAM-INF:"
        f"BANDWIDTH={HD.peak_bandwidth_bps},AVERAGE-BANDWIDTH={HD.average_bandwidth_bps},"
        'RESOLUTION=1280x720,FRAME-RATE=30.000,CODECS="avc1.64001F,mp4a.40.2"\n'
        "720p/index.m3u8\n"
        "#EXT-X-STREAM-INF:"
        f"BANDWIDTH={SD.peak_bandwidth_bps},AVERAGE-BANDWIDTH={SD.average_bandwidth_bps},"
        'RESOLUTION=854x480,FRAME-RATE=30.000,CODECS="avc1.4D401F,mp4a.40.2"\n'
        "480p/index.m3u8\n"
    )


def test_source_comes_first() -> None:
    text = master_playlist(Ladder(source=SourceRendition(height=1080, video_kbps=6000), renditions=(HD, SD)))
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "source/index.m3u8",
        "720p/index.m3u8",
        "480p/index.m3u8",
    ]


def test_the_frame_rate_has_three_decimals() -> None:
    assert "FRAME-RATE=25.000," in master_playlist(Ladder(frame_rate=25, gop_frames=50, renditions=(HD,)))
