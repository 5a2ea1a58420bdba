"""Are the encoder's arguments right, and does the shipped script hand over exactly them?"""

from __future__ import annotations

import re
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest

from headend.encode_script import encode_script
from headend.ffmpeg import encoder_argv, encoder_flags
from headend.model.ladder import Ladder, Rendition, SourceRendition
from headend.model.spec import Stream
from tests.headend.house import LAYOUT

STREAM = Stream(slug="coffee", title="Coffee")
SD = Rendition(name="480p", height=480, video_kbps=1000, audio_kbps=96)
ONE = Ladder(renditions=(SD,))
SOURCE = Ladder(source=SourceRendition(height=1080, video_kbps=6000), renditions=(SD,))

SHOW_ARGV = '#!/bin/sh\nprintf \'%s\\0\' "$(basename "$0")" "$@"\n'
FITS = {
    "codec_name": "h264",
    "profile": "High",
    "width": "1920",
    "height": "1080",
    "pix_fmt": "yuv420p",
    "level": "40",
    "r_frame_rate": "30/1",
    "bit_rate": "6000000",
}


def argv(ladder: Ladder, *, copy_source: bool = False, run_id: str = "17") -> list[str]:
    return encoder_argv(STREAM, ladder, LAYOUT, rtmp_port=1935, run_id=run_id, copy_source=copy_source)


def after(flag: str, tokens: list[str]) -> list[str]:
    """Every value that follows a flag."""
    return [value for name, value in pairwise(tokens) if name == flag]


def run_script(ladder: Ladder, folder: Path, sent: dict[str, str] | None = None) -> list[str]:
    """The argv that ffmpeg gets when the script runs and ffprobe reports what is sent."""
    probe = "\n".join(f"echo {name}='{value}'" for name, value in (sent or {}).items())
    programs = {"ffmpeg": SHOW_ARGV, "ffprobe": f"#!/bin/sh\n{probe}\n"}
    programs["encode"] = encode_script(STREAM, ladder, LAYOUT, rtmp_port=1935)
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "de_DE.UTF-8"}
    done = subprocess.run([folder / "encode"], env=env, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\0").split("\0")


def test_one_rung_in_full() -> None:
    assert argv(ONE)[argv(ONE).index("-map") :] == [
        *("-map", "[480p]", "-fps_mode", "passthrough"),
        *("-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "high", "-level", "3.1"),
        *("-b:v", "1000000", "-maxrate", "1100000", "-bufsize", "1100000"),
        *("-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-flags", "+cgop"),
        *("-force_key_frames", "expr:eq(n,30*1)", "-forced-idr", "1"),
        *("-map", "0:a:0?", "-c:a", "aac", "-b:a", "96000", "-ar", "48000", "-ac", "2", "-af", "aresample=async=1000"),
        *("-f", "hls", "-hls_segment_type", "mpegts", "-hls_time", "0.1", "-hls_list_size", "12"),
        *("-hls_delete_threshold", "13", "-hls_flags"),
        "append_list+delete_segments+independent_segments+omit_endlist+program_date_time+temp_file",
        *("-hls_segment_filename", "/srv/headend/media/hls/coffee/480p/17-%05d.ts"),
        "/srv/headend/media/hls/coffee/480p/index.m3u8",
        *("-map", "0:v:0", "-vf"),
        "select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,10),"
        "scale=640:360:force_original_aspect_ratio=decrease:out_range=pc,format=yuv420p",
        *("-fps_mode", "passthrough", "-c:v", "mjpeg", "-q:v", "4", "-threads", "1"),
        *("-strict", "unofficial", "-color_range", "pc"),
        *("-f", "image2", "-update", "1", "-atomic_writing", "1", "/srv/headend/media/hls/coffee/poster.jpg"),
    ]


def test_the_input_is_loopback_rtmp_and_nothing_else() -> None:
    tokens = argv(ONE)
    assert after("-i", tokens) == ["rtmp://127.0.0.1:1935/live/coffee"]
    assert after("-protocol_whitelist", tokens) == ["rtmp,tcp"]
    assert after("-f", tokens)[0] == "live_flv"


def test_every_rung_has_the_keyframes_of_the_others() -> None:
    tokens = argv(Ladder())
    for flag in ("-g", "-keyint_min", "-sc_threshold", "-force_key_frames", "-hls_time", "-hls_list_size"):
        assert len(set(after(flag, tokens))) == 1, flag
    assert len(after("-g", tokens)) == 3


def test_one_decode_one_clock() -> None:
    assert after("-filter_complex", argv(Ladder()))[0].count("fps=30,split=3") == 1


def test_a_first_segment_of_full_length_needs_no_extra_keyframe() -> None:
    assert "-force_key_frames" not in argv(Ladder(first_segment_seconds=2))


def test_segments_of_several_gops_are_cut_by_time() -> None:
    ladder = Ladder(segment_seconds=4, first_segment_seconds=4, gop_frames=30, renditions=(SD,))
    assert after("-hls_time", argv(ladder)) == ["4"]


def test_segments_of_several_gops_get_no_extra_keyframe() -> None:
    assert "-force_key_frames" not in argv(Ladder(segment_seconds=4, gop_frames=30, renditions=(SD,)))


def test_no_tune() -> None:
    rung = SD.model_copy(update={"tune": "none"})
    assert "-tune" not in argv(Ladder(renditions=(rung,)))


def test_a_copied_source_is_not_encoded_and_feeds_no_filter() -> None:
    copied, encoded = argv(SOURCE, copy_source=True), argv(SOURCE)
    assert after("-c:v", copied) == ["copy", "libx264", "mjpeg"]
    assert after("-c:v", encoded) == ["libx264", "libx264", "mjpeg"]
    assert "split=1" in after("-filter_complex", copied)[0]
    assert "split=2" in after("-filter_complex", encoded)[0]
    # The publisher's keyframes fall where they fall: a copy is cut by time.
    assert after("-hls_time", copied) == ["2", "0.1"]


def test_every_flag_has_a_reason() -> None:
    for flags in encoder_flags(STREAM, SOURCE, LAYOUT, rtmp_port=1935, copy_source=True):
        assert len(flags.why) > 20, flags.tokens


def test_the_script_hands_over_the_argv(tmp_path: Path) -> None:
    tokens = run_script(Ladder(), tmp_path)
    run_id = re.search(r"/(\d+)-%05d\.ts", " ".join(tokens))
    assert run_id
    assert len(run_id[1]) == 16
    program, *arguments = argv(Ladder(), run_id=run_id[1])
    assert tokens == [program, "-progress", "pipe:3", "-stats_period", "1", *arguments]


def test_the_script_keeps_the_last_block_of_progress_and_no_more(tmp_path: Path) -> None:
    layout = LAYOUT.model_copy(update={"media_root": str(tmp_path / "media")})
    (tmp_path / "media" / "hls" / "coffee").mkdir(parents=True)
    (tmp_path / "ffmpeg").write_text(
        "#!/bin/bash\nfor n in 1 2 3; do printf 'fps=%s\\nprogress=continue\\n' $n >&3; done\nprintf 'fps=4\\n' >&3\n"
    )
    (tmp_path / "ffmpeg").chmod(0o755)
    script = encode_script(STREAM, ONE, layout, rtmp_port=1935)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-c", script], env=environment, check=True, capture_output=True)
    kept = tmp_path / "media" / "hls" / "coffee" / "progress"
    deadline = time.monotonic() + 10
    while not (kept.exists() and "fps=3" in kept.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert kept.read_text() == "fps=3\nprogress=continue\n"


def test_a_folder_with_odd_characters_stays_one_word(tmp_path: Path) -> None:
    odd = LAYOUT.model_copy(update={"media_root": "/srv/it's $HOME `id`"})
    (tmp_path / "ffmpeg").write_text(SHOW_ARGV)
    (tmp_path / "ffmpeg").chmod(0o755)
    script = encode_script(STREAM, ONE, odd, rtmp_port=1935)
    done = subprocess.run(
        ["bash", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert "/srv/it's $HOME `id`/hls/coffee/480p/index.m3u8" in done.stdout.split("\0")


@pytest.mark.parametrize(
    "change, fits",
    [
        ({}, True),
        ({"profile": "Constrained Baseline"}, True),
        ({"profile": "Main", "level": "31", "bit_rate": "3000000"}, True),
        ({"codec_name": "hevc"}, False),
        ({"pix_fmt": "yuv444p"}, False),
        ({"height": "720", "width": "1280"}, False),
        ({"width": "1440"}, False),
        ({"r_frame_rate": "60/1"}, False),
        ({"r_frame_rate": "30000/1001"}, False),
        ({"profile": "High 4:2:2"}, False),
        ({"profile": "Baseline"}, False),
        ({"level": "42"}, False),
        ({"level": "-99"}, False),
        ({"bit_rate": "6000001"}, False),
        ({"bit_rate": "N/A"}, False),
        (dict.fromkeys(FITS, ""), False),
    ],
)
def test_source_is_copied_only_when_every_promise_holds(change: dict[str, str], fits: bool, tmp_path: Path) -> None:
    tokens = run_script(SOURCE, tmp_path, FITS | change)
    assert ("copy" in tokens) is fits


def test_source_is_encoded_when_the_probe_finds_nothing(tmp_path: Path) -> None:
    assert "copy" not in run_script(SOURCE, tmp_path)
