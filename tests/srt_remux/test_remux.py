"""Does a caller's stream go on air as it was sent, with a real FFmpeg and a real nginx-rtmp on a unix socket?"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.support.remux_ingest import RemuxIngest, remux_ingest, remuxer, sending

pytestmark = pytest.mark.host

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
TONE = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p"]


def clip(folder: Path, *options: str, sounds: int = 1) -> Path:
    """Three seconds of a test picture, and tones, as MPEG-TS."""
    path = folder / "clip.ts"
    maps = [word for n in range(sounds + 1) for word in ("-map", f"{n}")]
    argv = ["ffmpeg", "-nostdin", "-loglevel", "error", *PICTURE, *TONE * sounds, *maps, "-ac", "2", "-t", "3"]
    subprocess.run([*argv, *options, "-f", "mpegts", str(path)], check=True)
    return path


def slices(path: Path) -> list[bytes]:
    """The coded pictures of a file, without the frame that each container puts around them."""
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    return [unit for packet in packets for unit in nal_units(packet) if unit[0] & 0x1F in (1, 5)]


def nal_units(packet: bytes) -> list[bytes]:
    """Units after start codes, or after lengths of four bytes."""
    if packet.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
        return [unit for unit in re.split(rb"\x00*\x00\x00\x01", packet) if unit]
    units = []
    while packet:
        end = 4 + int.from_bytes(packet[:4], "big")
        units.append(packet[4:end])
        packet = packet[end:]
    return units


def sounds(path: Path) -> list[str]:
    """Codecs of a file's tracks of sound."""
    with av.open(str(path)) as container:
        return [stream.codec_context.name for stream in container.streams.audio]


@pytest.fixture
def ingest() -> Iterator[RemuxIngest]:
    """A running ingest."""
    with remux_ingest() as running:
        yield running


def publish(ingest: RemuxIngest, media: Path) -> tuple[int, str]:
    """Send a file to its end and hang up; the remuxer's exit status and what it said."""
    with remuxer(ingest) as remux:
        with sending(media, remux) as encoder:
            encoder.wait(20)
        remux.caller.close()
        return remux.finish()


def test_h264_and_aac_pass_through_bit_by_bit(ingest: RemuxIngest, tmp_path: Path) -> None:
    media = clip(tmp_path, *H264, "-c:a", "aac")
    assert publish(ingest, media) == (0, "")
    sent, on_air = slices(media), slices(ingest.recorded())
    assert on_air == sent
    assert sounds(ingest.recorded()) == ["aac"]
    fields = ingest.wait_for("publish").fields
    assert (fields["addr"], fields["name"], fields["peer"]) == ("unix:", "demo", "192.0.2.7:40000")
    assert list(fields)[-5:] == ["protocol", "key_id", "mode", "nonce", "peer"]


@pytest.mark.parametrize(
    "codec,options",
    [
        pytest.param("ac3", ["-c:a", "ac3"], id="ac-3"),
        pytest.param("eac3", ["-c:a", "eac3"], id="e-ac-3"),
        pytest.param("opus", ["-c:a", "libopus"], id="opus"),
        pytest.param("mpeg-audio", ["-c:a", "mp2"], id="mp2"),
        pytest.param("mpeg-audio", ["-c:a", "libmp3lame"], id="mp3"),
        pytest.param("aac-latm", ["-c:a", "aac", "-mpegts_flags", "latm"], id="latm"),
        pytest.param("aac", ["-c:a", "aac", "-ar", "24000"], id="aac at 24 khz"),
    ],
)
def test_other_sound_is_encoded(ingest: RemuxIngest, tmp_path: Path, codec: str, options: list[str]) -> None:
    media = clip(tmp_path, *H264, *options)
    status, said = publish(ingest, media)
    assert (status, said.count("\n")) == (0, 1), said
    assert f"sound is {codec}, which RTMP does not carry: encoded to AAC" in said
    assert sounds(ingest.recorded()) == ["aac"]
    assert slices(ingest.recorded()) == slices(media)


def test_the_first_of_two_tracks_goes_on_air(ingest: RemuxIngest, tmp_path: Path) -> None:
    media = clip(tmp_path, *H264, "-c:a:0", "aac", "-c:a:1", "ac3", sounds=2)
    status, said = publish(ingest, media)
    assert (status, said) == (0, "demo: 2 tracks of sound (aac, ac3): the first goes on air\n")
    assert sounds(ingest.recorded()) == ["aac"]


def test_a_picture_without_sound(ingest: RemuxIngest, tmp_path: Path) -> None:
    media = clip(tmp_path, *H264, sounds=0)
    assert publish(ingest, media) == (0, "demo: no sound in the stream\n")
    assert slices(ingest.recorded()) == slices(media)


def test_hevc_is_refused_with_a_report(ingest: RemuxIngest, tmp_path: Path) -> None:
    media = clip(tmp_path, "-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "aac")
    status, said = publish(ingest, media)
    assert (status, said) == (3, "demo: refused: video is hevc, and RTMP carries only h264: set the encoder to H.264\n")
    assert ingest.fault() == {"reason": "video-codec", "detail": "hevc"}
    assert ingest.hooks == []


def test_the_end_of_a_caller_is_the_end_of_the_publish(ingest: RemuxIngest, film: Path) -> None:
    with remuxer(ingest) as remux:
        with sending(film, remux, "-stream_loop", "-1"):
            started = ingest.wait_for("publish").time - remux.started
            time.sleep(1)
        remux.caller.close()
        left = time.monotonic()
        assert ingest.wait_for("publish_done").time - left < 1
        assert remux.finish() == (0, "")
    assert started < 2


def test_joining_in_the_middle_of_a_gop(ingest: RemuxIngest, tmp_path: Path) -> None:
    media = clip(tmp_path, *H264, "-c:a", "aac")
    whole = media.read_bytes()
    with remuxer(ingest) as remux:
        remux.caller.sendall(whole[len(whole) // 3 // 188 * 188 :])
        remux.caller.close()
        assert remux.finish()[0] == 0
    on_air = slices(ingest.recorded())
    # Of three GOPs of a second, whole ones: the first joins in its middle.
    assert on_air[0][0] & 0x1F == 5
    assert on_air == slices(media)[-len(on_air) :]
    assert len(on_air) in (25, 50)


def test_an_ingest_that_dies_ends_the_remuxer(ingest: RemuxIngest, film: Path) -> None:
    with remuxer(ingest) as remux, sending(film, remux):
        ingest.wait_on_air()
        os.kill(ingest.master_pid, signal.SIGTERM)
        assert remux.finish(3) == (1, "demo: ended: the ingest hung up\n")
        assert not (ingest.faults / "demo.json").exists()


def test_no_ingest(ingest: RemuxIngest, film: Path) -> None:
    ingest.publish_socket.unlink()
    with remuxer(ingest) as remux, sending(film, remux):
        status, said = remux.finish(5)
    assert (status, said.startswith("demo: ended: the ingest does not answer on /")) == (1, True)


def test_a_publish_that_the_hook_app_refuses(ingest: RemuxIngest, film: Path) -> None:
    ingest.refuses = True
    with remuxer(ingest) as remux, sending(film, remux):
        status, said = remux.finish(5)
    assert status == 3
    assert "demo: refused: the ingest refused the publish" in said
    assert ingest.fault() == {"reason": "publish-refused", "detail": ""}


def test_sigterm_ends_all_of_it(ingest: RemuxIngest, film: Path) -> None:
    with remuxer(ingest) as remux, sending(film, remux):
        ingest.wait_for("publish")
        remux.process.terminate()
        assert remux.finish(3)[0] == 0
        ingest.wait_for("publish_done", 1)


def test_killed_it_leaves_no_ffmpeg_behind(ingest: RemuxIngest, film: Path) -> None:
    with remuxer(ingest) as remux, sending(film, remux):
        ingest.wait_for("publish")
        remux.process.kill()
        ingest.wait_for("publish_done", 3)


@pytest.mark.parametrize("line", [b"", b"GET / HTTP/1.1\r\n\r\n", b"x" * 600], ids=["nothing", "http", "too long"])
def test_no_preamble(ingest: RemuxIngest, line: bytes) -> None:
    with remuxer(ingest, line) as remux:
        remux.caller.close()
        status, said = remux.finish(8)
    assert (status, said.count("\n")) == (1, 1)
    assert "nginx@srt" in said
