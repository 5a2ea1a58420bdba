"""Does *live* mean that every rendition's playlist is playable?"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headend.model.facts import HookFacts
from hooks_app.media import MediaRoot
from tests.hooks_app.conftest import World

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write(facts: HookFacts, rendition: str, *, age: float = -1.0, segment: bytes | None = b"ts") -> Path:
    """A media playlist with one segment, `age` seconds before SINCE."""
    folder = Path(facts.media_root) / "hls" / "demo" / rendition
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n#EXTINF:2.0,\n1-00000.ts\n#EXTINF:2.0,\n1-00001.ts\n\n#EXT-X-END\n")
    if segment is not None:
        (folder / "1-00001.ts").write_bytes(segment)
    for path in folder.iterdir():
        os.utime(path, (SINCE.timestamp() - age,) * 2)
    return folder


def playable(facts: HookFacts) -> bool:
    """What the real media root says."""
    return MediaRoot(facts.media_root).playable(facts.streams[0], SINCE)


def test_every_rendition_written_since_is_playable(facts: HookFacts) -> None:
    write(facts, "720p")
    write(facts, "480p")
    assert playable(facts)


def test_one_missing_rendition_is_enough_not_to_be(facts: HookFacts) -> None:
    write(facts, "720p")
    assert not playable(facts)


@pytest.mark.parametrize("wrong", [{"age": 1.0}, {"segment": b""}, {"segment": None}])
def test_one_rendition_of_the_last_show_or_without_its_segment_is_not(facts: HookFacts, wrong: dict[str, Any]) -> None:
    write(facts, "720p")
    write(facts, "480p", **wrong)
    assert not playable(facts)


def test_a_new_playlist_that_lists_an_old_segment_is_not(facts: HookFacts) -> None:
    write(facts, "720p")
    os.utime(write(facts, "480p") / "1-00001.ts", (SINCE.timestamp() - 60,) * 2)
    assert not playable(facts)


@pytest.mark.parametrize("content", [b"", b"#EXTM3U\n", b"\xff\xfe"])
def test_a_playlist_without_a_segment_is_not(facts: HookFacts, content: bytes) -> None:
    write(facts, "720p")
    (write(facts, "480p") / "index.m3u8").write_bytes(content)
    assert not playable(facts)


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
