"""Does *live* mean that every rendition's playlist is playable?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from headend.model.facts import HookFacts
from hooks_app.media import MediaRoot
from tests.hooks_app.conftest import World

LAST_SHOW = ("0-00009.ts", "0-00009.ts")


def write(facts: HookFacts, rendition: str, *, newest: str = "1-00001.ts", segment: bytes | None = b"ts") -> Path:
    """A media playlist with two segments, of which only the newest may be there."""
    folder = Path(facts.media_root) / "hls" / "demo" / rendition
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.m3u8").write_text(f"#EXTM3U\n#EXTINF:2.0,\n1-00000.ts\n#EXTINF:2.0,\n{newest}\n\n#EXT-X-END\n")
    if segment is not None:
        (folder / newest).write_bytes(segment)
    return folder


def playable(facts: HookFacts, before: tuple[str, ...] = LAST_SHOW) -> bool:
    """What the real media root says."""
    return MediaRoot(facts.media_root).playable(facts.streams[0], before)


@pytest.mark.parametrize("before", [LAST_SHOW, ("", ""), ()])
def test_every_rendition_with_another_segment_than_before_is_playable(
    facts: HookFacts, before: tuple[str, ...]
) -> None:
    write(facts, "720p")
    write(facts, "480p")
    assert playable(facts, before)


def test_one_missing_rendition_is_enough_not_to_be(facts: HookFacts) -> None:
    write(facts, "720p")
    assert not playable(facts)


@pytest.mark.parametrize("wrong", [{"newest": "0-00009.ts"}, {"segment": b""}, {"segment": None}])
def test_one_rendition_of_the_last_show_or_without_its_segment_is_not(facts: HookFacts, wrong: dict[str, Any]) -> None:
    write(facts, "720p")
    write(facts, "480p", **wrong)
    assert not playable(facts)


def test_a_clock_that_was_set_back_makes_no_difference(facts: HookFacts) -> None:
    for rendition in ("720p", "480p"):
        for path in write(facts, rendition).iterdir():
            os.utime(path, (0, 0))
    assert playable(facts)


@pytest.mark.parametrize("content", [b"", b"#EXTM3U\n", b"\xff\xfe"])
def test_a_playlist_without_a_segment_is_not(facts: HookFacts, content: bytes) -> None:
    write(facts, "720p")
    (write(facts, "480p") / "index.m3u8").write_bytes(content)
    assert not playable(facts)


def test_a_stream_that_was_never_on_air_is_finished(facts: HookFacts) -> None:
    assert MediaRoot(facts.media_root).finished(facts.streams[0])


def test_a_stream_is_finished_when_every_playlist_has_its_end_tag(facts: HookFacts) -> None:
    media, folders = MediaRoot(facts.media_root), [write(facts, name) for name in ("720p", "480p")]
    assert not media.finished(facts.streams[0])
    for folder in folders:
        assert not media.finished(facts.streams[0])
        with (folder / "index.m3u8").open("a") as playlist:
            playlist.write("#EXT-X-ENDLIST\n")
    assert media.finished(facts.streams[0])


def test_the_newest_segment_of_each_rendition_is_known(facts: HookFacts) -> None:
    write(facts, "720p")
    assert MediaRoot(facts.media_root).newest(facts.streams[0]) == ("1-00001.ts", None)


def test_a_starting_stream_becomes_live_when_it_is_playable(world: World) -> None:
    world.publish()
    assert world.app.state.watcher.look() == pytest.approx(0.05)
    assert world.state() == "starting"
    world.encode()
    world.app.state.watcher.look()
    assert world.state() == "live"


def test_the_last_breath_of_the_previous_encoder_is_not_live(world: World) -> None:
    def end_the_old_then_attach(slug: str) -> None:
        world.encode()
        world.app.state.watcher.look()
        world.ingest.attach(slug)
        world.clock.sleep(0.1)

    world.units.restarted = end_the_old_then_attach
    assert world.publish() == 200
    world.app.state.watcher.look()
    assert world.state() == "starting"


def test_with_nothing_starting_the_watcher_idles(world: World) -> None:
    assert world.app.state.watcher.look() == pytest.approx(0.5)
