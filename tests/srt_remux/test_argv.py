"""Does FFmpeg get told what the look has found?"""

from __future__ import annotations

from itertools import pairwise

import pytest

from srt_remux import codecs
from srt_remux.argv import DECODERS, argv, flags, is_copied
from srt_remux.lookout import Finding
from srt_remux.opening import Adts
from srt_remux.transport_stream import Stream

VIDEO, PLAIN = Stream(0x100, "h264"), Adts(2, 3, 2)
URL = "rtmp://127.0.0.1:1/live/demo?protocol=srt"


def finding(codec: str | None, adts: Adts | None = None) -> Finding:
    """A stream with this sound."""
    return Finding(VIDEO, Stream(0x101, codec) if codec else None, adts, 0.25, ())


def options(made: list[str]) -> dict[str, str]:
    """Each option that has a value, once; -map is left out."""
    return {name: value for name, value in pairwise(made) if name.startswith("-") and name != "-map"}


def test_aac_is_copied() -> None:
    made = options(argv(finding("aac", PLAIN), URL))
    assert (made["-c:v"], made["-c:a"], made["-bsf:a"]) == ("copy", "copy", "aac_adtstoasc")


@pytest.mark.parametrize("codec", sorted(codecs.AUDIO - {"aac"}))
def test_other_sound_is_encoded(codec: str) -> None:
    made = options(argv(finding(codec), URL))
    assert (made["-c:v"], made["-c:a"], made["-b:a"]) == ("copy", "aac", "128000")


@pytest.mark.parametrize(
    "adts,copied",
    [
        pytest.param(PLAIN, True, id="LC, 48 kHz, stereo"),
        pytest.param(Adts(2, 4, 6), True, id="LC, 44.1 kHz, 5.1"),
        pytest.param(Adts(2, 6, 2), False, id="24 kHz: HE-AAC in disguise"),
        pytest.param(Adts(1, 3, 2), False, id="Main profile"),
        pytest.param(Adts(2, 3, 0), False, id="channels inside the stream"),
        pytest.param(None, True, id="not seen yet"),
    ],
)
def test_which_aac_is_copied(adts: Adts | None, copied: bool) -> None:
    assert is_copied(finding("aac", adts)) is copied


def test_no_sound_is_no_option_about_sound() -> None:
    made = argv(finding(None), URL)
    assert made.count("-map") == 1
    assert "-c:a" not in made


def test_tracks_are_taken_by_pid_and_the_look_bounds_the_search() -> None:
    made = argv(finding("aac", PLAIN), URL)
    assert [made[at + 1] for at, token in enumerate(made) if token == "-map"] == ["0:i:0x100", "0:i:0x101"]
    assert options(made)["-analyzeduration"] == "250000"
    assert (made[0], made[-1]) == ("ffmpeg", URL)


def test_every_sound_has_its_decoder_and_every_flag_its_reason() -> None:
    assert set(DECODERS) == codecs.AUDIO
    assert all(group.why.endswith(".") for group in flags(finding("opus"), URL))
