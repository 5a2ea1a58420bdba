"""Do the parts become one film in which nothing is missing, and picture and sound stay together?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.finisher.conftest import Sent
from tests.support.finishing import STEM, decodes, film_of, finish, moved, packets, refused, same_frames
from tests.support.flv import AUDIO, VIDEO, Message, Recorder, tag, whole

TOGETHER_MILLISECONDS = 5.0


def later(sent: list[Message], milliseconds: int) -> list[Message]:
    """The same, by another clock."""
    return [one._replace(milliseconds=(one.milliseconds + milliseconds) % 2**32) for one in sent]


def without(sent: list[Message], kind: int) -> list[Message]:
    return [one for one in sent if one.kind != kind]


def frames_of(sent: list[Message], *, after: int = -1, before: int = 2**32) -> list[Message]:
    return [one for one in sent if one.is_frame and after < one.milliseconds < before]


def between(film: Path, sent: list[Message]) -> float:
    """The most by which a picture or a sound is not where all others are, in milliseconds."""
    times = [time for track in moved(film, sent).values() for time in track]
    return max(times) - min(times)


def test_parts_of_a_connection_become_one_film(folder: Path, shown: list[Message]) -> None:
    parts = Recorder(folder, seconds=9.5).record(shown)
    assert len(parts) == 6
    film = film_of(folder, parts)
    same_frames(film, shown)
    # Five joints, and every frame is where the publisher meant it to be.
    assert between(film, shown) < TOGETHER_MILLISECONDS
    decodes(film)
    data = film.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_the_result_says_what_it_is(folder: Path, shown: list[Message]) -> None:
    parts = Recorder(folder, seconds=29.5).record(shown)
    result = finish(folder, parts).result
    assert result["video"]["seconds"] == pytest.approx(60, abs=0.1)
    assert result["video"]["codecs"] == {
        "video": "h264",
        "profile": "High",
        "width": 1280,
        "height": 720,
        "frame_rate": pytest.approx(30, abs=0.05),
        "audio": "aac",
        "channels": 2,
        "sample_rate_hz": 48000,
    }
    names = {*parts, "job.json", "result.json", f"{STEM}.mp4", f"{STEM}.strip.jpg", f"{STEM}.strip.vtt"}
    assert {path.name for path in folder.iterdir()} == names


def test_the_pause_between_two_connections_is_not_padded(folder: Path, shown: list[Message]) -> None:
    first = frames_of(shown, before=20_000)
    second = frames_of(shown, after=39_999)
    opening = [one for one in shown if one.is_configuration]
    parts = Recorder(folder, client=17, seconds=9.5).record(opening + first)
    parts += Recorder(folder, client=23, seconds=9.5, at=1_764_311_500).record(later(opening + second, 5_000_000))
    film = film_of(folder, parts)
    same_frames(film, first + second)
    times = moved(film, first + second)
    lengths = {kind: len([1 for one in first if one.kind == kind]) for kind in (VIDEO, AUDIO)}
    before = [time for kind, track in times.items() for time in track[: lengths[kind]]]
    after = [time for kind, track in times.items() for time in track[lengths[kind] :]]
    assert max(before) - min(before) < TOGETHER_MILLISECONDS
    assert max(after) - min(after) < TOGETHER_MILLISECONDS
    assert min(after) - min(before) == pytest.approx(-20_000, abs=100)
    decodes(film)


@pytest.mark.parametrize("cut", range(9_000, 9_200, 33))
def test_a_part_that_was_cut_among_its_pictures_because_the_disk_was_full(
    folder: Path, shown: list[Message], cut: int
) -> None:
    opening = [one for one in shown if one.is_configuration]
    before, after = frames_of(shown, before=cut), frames_of(shown, after=11_999)
    recorder = Recorder(folder)
    recorder.record(opening + before)
    parts = recorder.record(opening + after)
    film = film_of(folder, parts)
    same_frames(film, before + after)
    pictures = packets(film)[VIDEO]
    count = sum(one.kind == VIDEO for one in before)
    assert max(one.shown for one in pictures[:count]) < min(one.shown for one in pictures[count:])
    decodes(film)


def test_sound_that_is_sent_late_is_not_squeezed_at_the_joints(folder: Path, sent: Sent) -> None:
    # Half a second behind the picture it belongs to: nginx-rtmp writes 0 for what belongs before the keyframe.
    publisher = sorted(sent(seconds=30), key=lambda one: one.milliseconds + 500 * (one.kind == AUDIO and one.is_frame))
    parts = Recorder(folder, seconds=5.5).record(publisher)
    film = film_of(folder, parts)
    same_frames(film, publisher)
    assert between(film, publisher) < TOGETHER_MILLISECONDS
    decodes(film)


@pytest.mark.parametrize("left", [0, 5, 13, 20, -1, -3, -5, -400])
def test_a_last_part_that_was_cut_by_a_kill(folder: Path, sent: Sent, left: int) -> None:
    parts = Recorder(folder, seconds=3.5).record(sent())
    last = folder / parts[-1]
    data = last.read_bytes()
    last.write_bytes(data[:left])
    film = film_of(folder, parts)
    found = packets(film)
    wanted = [one for one in sent() if one.is_frame]
    lost = {kind: [one.payload for one in wanted if one.kind == kind] for kind in (VIDEO, AUDIO)}
    for kind, payloads in lost.items():
        have = [packet.payload for packet in found[kind]]
        # All before the cut, and nothing else. -3: the frame is whole, only the size after it is not.
        assert have == payloads[: len(have)]
    missing = sum(len(lost[kind]) - len(found[kind]) for kind in lost)
    assert missing == {-1: 0, -3: 0, -5: 1}.get(left, missing)
    assert missing >= 1 or left in (-1, -3)
    decodes(film)


@pytest.mark.parametrize("lost", [0, 3000, 9000])
def test_a_part_that_ends_in_zeros_after_a_power_failure(folder: Path, sent: Sent, lost: int) -> None:
    parts = Recorder(folder, seconds=3.5).record(sent())
    data = (folder / parts[-1]).read_bytes()
    (folder / parts[-1]).write_bytes(data[: len(data) - lost] + bytes(lost + 100_000))
    found = packets(film_of(folder, parts))
    missing = 0
    for kind, track in found.items():
        payloads = [one.payload for one in sent() if one.kind == kind and one.is_frame]
        assert [packet.payload for packet in track] == payloads[: len(track)]
        missing += len(payloads) - len(track)
    assert (missing > 0) == (lost > 0)


@pytest.mark.parametrize(
    "data", [b"", b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4), bytes(4096)], ids=["0", "head", "zeros"]
)
def test_parts_with_nothing_in_them_do_not_matter(folder: Path, sent: Sent, data: bytes) -> None:
    parts = Recorder(folder, seconds=3.5).record(sent())
    for number, place in enumerate((0, 2, len(parts) + 2)):
        parts.insert(place, f"demo-1764311460-{900 + number}-1.flv")
        (folder / parts[place]).write_bytes(data)
    same_frames(film_of(folder, parts), sent())


def test_a_part_with_nothing_but_configurations(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder).record(sent())
    parts.append("demo-1764311480-18-1.flv")
    (folder / parts[-1]).write_bytes(whole([one for one in sent() if one.is_configuration]))
    same_frames(film_of(folder, parts), sent())


def test_no_frame_at_all(folder: Path) -> None:
    (folder / "demo-1764311460-17-1.flv").write_bytes(b"")
    assert refused(folder, ["demo-1764311460-17-1.flv"]) == "there is not one frame in its parts"


def test_a_film_without_sound(folder: Path, sent: Sent) -> None:
    publisher = without(sent(), AUDIO)
    parts = Recorder(folder, seconds=3.5).record(publisher)
    film = film_of(folder, parts)
    same_frames(film, publisher)
    assert between(film, publisher) < TOGETHER_MILLISECONDS
    decodes(film)


def test_sound_without_a_picture(folder: Path, sent: Sent) -> None:
    publisher = without(sent(), VIDEO)
    (folder / "demo-1764311460-17-1.flv").write_bytes(whole(publisher))
    done = finish(folder, ["demo-1764311460-17-1.flv"])
    assert (done.result["ok"], done.result["strip"], done.result["fault"]) == (True, None, None)
    codecs = done.result["video"]["codecs"]
    assert (codecs["video"], codecs["width"], codecs["audio"]) == (None, None, "aac")
    film = folder / f"{STEM}.mp4"
    same_frames(film, publisher)
    decodes(film)


def test_a_part_in_which_the_microphone_was_off(folder: Path, sent: Sent) -> None:
    first, second = sent(), without(sent(), AUDIO)
    parts = Recorder(folder, client=17).record(first)
    parts += Recorder(folder, client=18).record(second)
    parts += Recorder(folder, client=19).record(first)
    film = film_of(folder, parts)
    same_frames(film, [*first, *second, *first])
    tracks = moved(film, [*first, *second, *first])
    count = len([1 for one in first if one.kind == AUDIO and one.is_frame])
    third = tracks[AUDIO][count:] + tracks[VIDEO][-len([1 for one in first if one.kind == VIDEO and one.is_frame]) :]
    assert max(third) - min(third) < TOGETHER_MILLISECONDS
    decodes(film)


def test_sound_that_begins_very_late(folder: Path, shown: list[Message]) -> None:
    publisher = [one for one in shown if one.kind == VIDEO or one.milliseconds > 40_000]
    opening = [one for one in shown if one.is_configuration and one.kind == AUDIO]
    at = next(number for number, one in enumerate(publisher) if one.kind == AUDIO)
    publisher[at:at] = [one._replace(milliseconds=publisher[at].milliseconds) for one in opening]
    parts = Recorder(folder, seconds=9.5).record(publisher)
    film = film_of(folder, parts)
    same_frames(film, publisher)
    assert between(film, publisher) < TOGETHER_MILLISECONDS


@pytest.mark.parametrize("jump", [36_000_000, -8_000, 2**32 - 20_000], ids=["forward", "back", "near the wrap"])
def test_a_clock_that_jumps(folder: Path, shown: list[Message], jump: int) -> None:
    publisher = [one for one in shown if one.milliseconds < 20_000]
    publisher += later([one for one in shown if one.milliseconds >= 20_000], jump)
    film = film_of(folder, Recorder(folder, seconds=14.5).record(publisher))
    same_frames(film, publisher)
    times = moved(film, shown)
    assert max(map(max, times.values())) - min(map(min, times.values())) < 200
    decodes(film)


def test_a_clock_that_goes_back_to_before_the_part_began(folder: Path, shown: list[Message]) -> None:
    # nginx-rtmp then writes 0 for every frame, until the next part.
    publisher = [one for one in later(shown, 3_600_000) if one.milliseconds < 3_610_000]
    publisher += [one for one in shown if one.milliseconds >= 10_000]
    parts = Recorder(folder, seconds=29.5).record(publisher)
    film = film_of(folder, parts)
    same_frames(film, publisher)
    times = moved(film, shown)
    # By their own length, picture and sound stay together all the same.
    assert max(map(max, times.values())) - min(map(min, times.values())) < 300
    decodes(film)


def test_a_clock_that_wraps_within_a_part(folder: Path, shown: list[Message]) -> None:
    publisher = later(shown, 2**32 - 15_000)
    film = film_of(folder, Recorder(folder).record(publisher))
    same_frames(film, shown)
    assert between(film, shown) < TOGETHER_MILLISECONDS


def test_an_encoder_that_changed_its_settings_between_parts(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder, client=17).record(sent())
    parts += Recorder(folder, client=18).record(sent("-s", "640x360"))
    fault = refused(folder, parts)
    assert fault == f"the encoder changed its settings for the picture by {parts[1]}: one file cannot hold both"


def test_an_encoder_that_changed_its_sound_within_a_part(folder: Path, sent: Sent) -> None:
    other = later(sent("-ar", "44100"), 12_000)
    parts = Recorder(folder).record([*sent(), *other])
    assert refused(folder, parts).startswith("the encoder changed its settings for the sound by ")


def test_damage_in_the_middle_is_not_taken_for_an_end(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder, seconds=3.5).record(sent())
    data = bytearray((folder / parts[1]).read_bytes())
    half = len(data) // 2
    data[half : half + 4096] = b"\xa5" * 4096
    (folder / parts[1]).write_bytes(data)
    assert refused(folder, parts).startswith(f"{parts[1]} is damaged at byte ")


def test_what_is_no_flv(folder: Path) -> None:
    (folder / "demo-1764311460-17-1.flv").write_bytes(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    assert refused(folder, ["demo-1764311460-17-1.flv"]) == "demo-1764311460-17-1.flv is not FLV"


@pytest.mark.parametrize(
    "message,fault",
    [
        (
            Message(VIDEO, 0, b"\x90hvc1" + bytes(40)),
            "the picture in demo-1-1-1.flv is a codec of Enhanced RTMP, not H.264",
        ),
        (Message(VIDEO, 0, b"\x12" + bytes(40)), "the picture in demo-1-1-1.flv is FLV's video codec 2, not H.264"),
        (Message(AUDIO, 0, b"\x2f" + bytes(40)), "the sound in demo-1-1-1.flv is MP3, not AAC"),
    ],
    ids=["hevc", "sorenson", "mp3"],
)
def test_other_codecs_stay_as_they_are(folder: Path, message: Message, fault: str) -> None:
    (folder / "demo-1-1-1.flv").write_bytes(whole([message]))
    assert refused(folder, ["demo-1-1-1.flv"]) == fault


def test_the_words_of_a_publisher_are_left_out(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder).record(sent())
    data = (folder / parts[0]).read_bytes()
    words = tag(18, 0, b"\x02\x00\x0aonMetaData\x08\x00\x00\x00\x01\x00\x05title\x02\x00\x06secret\x00\x00\x09")
    (folder / parts[0]).write_bytes(data[:13] + words + data[13:])
    film = film_of(folder, parts)
    same_frames(film, sent())
    assert b"secret" not in film.read_bytes()


def test_rubbish_in_place_of_pictures_ends(folder: Path, sent: Sent) -> None:
    rubbish = [
        one._replace(body=one.body[:5] + bytes(reversed(one.body[5:]))) if one.kind == VIDEO and one.is_frame else one
        for one in sent()
    ]
    assert refused(folder, Recorder(folder).record(rubbish)).startswith("the remux failed: ")


def test_pictures_that_cannot_be_decoded_are_kept_all_the_same(folder: Path, sent: Sent) -> None:
    keyframes = [one for one in sent() if one.is_key and one.is_frame]
    damaged = [
        one._replace(body=one.body[:-2000] + bytes(byte ^ 0x5A for byte in one.body[-2000:]))
        if one in keyframes[2:]
        else one
        for one in sent()
    ]
    done = finish(folder, Recorder(folder).record(damaged))
    assert (done.status, done.result["ok"], done.result["strip"], done.result["index"]) == (0, True, None, None)
    assert done.result["fault"].startswith("the strip failed: ")
    same_frames(folder / f"{STEM}.mp4", damaged)
    assert not list(folder.glob("*.strip.*"))
