"""Does nginx@srt learn at once, and whole, who may call?"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from hooks_app import admit_list
from hooks_app.admit_list import CLOSED, KEYS, STREAMS, AdmitList, render
from hooks_app.events import Broadcast, Events
from hooks_app.key_gate import KeyGate
from hooks_app.keys import KeyView
from hooks_app.ledger import KICK_SECONDS
from hooks_app.stat_page import StatPage
from tests.hooks_app.conftest import World, stream_facts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE = ["headend-srt 1", "stream demo any free", "stream coffee-and-stocks any free"]
LEAD_SECONDS = 900.0
TAKEN = ["headend-srt 1", "stream demo any taken", "stream coffee-and-stocks any free"]


@pytest.fixture
def listing(world: World) -> Iterator[AdmitList]:
    """The list as `headend-key` writes it."""
    gate = KeyGate(events=Events(world.database, world.here), clock=world.clock, lead_seconds=LEAD_SECONDS)
    writer = AdmitList.of(world.facts, world.app.state.streams, world.keys, world.ledger, gate)
    writer.write()
    return writer


def path(world: World) -> Path:
    """The file."""
    assert world.facts.srt is not None
    return Path(world.facts.srt.admit_list)


def test_it_is_there_before_the_app_is_ready(world: World) -> None:
    with TestClient(world.app):
        assert world.admit_list() == [*FREE, f"key demo {world.key_id} 0"]


def test_everybody_may_read_it_and_nobody_else_write_it(world: World, listing: AdmitList) -> None:
    before = os.umask(0o077)
    world.revoke_key(world.key_id)
    listing.write()
    os.umask(before)
    assert path(world).stat().st_mode & 0o777 == 0o644


def test_it_is_replaced_only_when_it_says_something_else(world: World, listing: AdmitList) -> None:
    first = path(world).stat()
    world.rounds(3)
    assert path(world).stat() == first
    world.revoke_key(world.key_id)
    world.rounds(1)
    assert path(world).stat().st_ino != first.st_ino
    assert world.admit_list() == FREE


def test_expired_keys_stay_and_revoked_ones_go(world: World, listing: AdmitList) -> None:
    key_id, _ = world.add_key("demo", "", NOON + timedelta(hours=1))
    world.revoke_key(world.key_id)
    world.clock.sleep(7200)
    listing.write()
    assert world.admit_list() == [*FREE, f"key demo {key_id} {int(NOON.timestamp()) + 3600}"]


def test_a_key_of_no_stream_is_not_on_it(world: World, listing: AdmitList) -> None:
    world.add_key("gone", "")
    assert not listing.write()


def test_an_rtmp_publisher_takes_the_stream_before_its_encoder_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    page = world.ingest.read

    def look() -> StatPage:
        if "restart demo" in world.units.calls and not seen:
            seen.append(world.admit_list())
            world.ingest.attach("demo")
        return page()

    world.units.restarted = lambda slug: None
    monkeypatch.setattr(world.ingest, "read", look)
    assert world.publish() == 200
    assert seen[0][:3] == TAKEN
    assert world.leave() == 200
    assert world.admit_list()[:3] == FREE


def test_an_rtmp_publisher_that_was_not_let_in_leaves_it_free(world: World) -> None:
    world.units.restarted = lambda slug: None
    assert world.publish() == 503
    assert world.admit_list()[:3] == FREE


def test_a_stream_is_free_again_when_reconcile_has_ended_its_session(world: World) -> None:
    assert world.publish() == 200
    world.ingest.unpublish("demo")
    world.rounds(4)
    assert world.admit_list()[:3] == FREE


def test_an_srt_caller_does_not_take_the_stream(world: World) -> None:
    """nginx@srt knows its own callers; one that reconnects must not wait for us."""
    assert world.call() == 200
    assert world.admit_list()[:3] == FREE


def test_a_stream_that_left_the_spec_under_a_caller_keeps_him_and_admits_nobody(world: World) -> None:
    assert world.call() == 200
    world.facts = world.facts.model_copy(update={"streams": world.facts.streams[1:]})
    world.start()
    world.rounds(1)
    assert world.admit_list() == [
        "headend-srt 1", "stream coffee-and-stocks any free", "stream demo any taken", f"key demo {world.key_id} 0",
    ]  # fmt: skip
    world.hang_up()
    assert world.admit_list() == ["headend-srt 1", "stream coffee-and-stocks any free"]


@pytest.fixture
def other(world: World, tmp_path: Path) -> World:
    """A second host on the same database, with a list of its own."""
    assert world.facts.srt is not None
    (tmp_path / "admit-2").mkdir()
    srt = world.facts.srt.model_copy(update={"admit_list": str(tmp_path / "admit-2" / "srt")})
    host = world.second_host()
    host.facts = world.facts.model_copy(update={"srt": srt})
    host.start()
    return host


def test_a_caller_of_one_host_takes_the_stream_at_the_other(world: World, other: World) -> None:
    assert world.call() == 200
    other.rounds(1)
    assert (world.admit_list()[:3], other.admit_list()[:3]) == (FREE, TAKEN)
    world.hang_up()
    other.rounds(1)
    assert other.admit_list()[:3] == FREE


def test_in_its_grace_a_stream_is_free_at_every_host(world: World, other: World) -> None:
    world.with_streams(reconnect_grace_seconds=30)
    assert world.call() == 200
    world.encode()
    world.app.state.watcher.look()
    world.hang_up()
    other.rounds(1)
    assert (world.state(), world.admit_list()[:3], other.admit_list()[:3]) == ("interrupted", FREE, FREE)


def test_after_a_kick_nobody_is_let_in_for_a_while(world: World, listing: AdmitList) -> None:
    assert world.call() == 200
    assert world.app.state.enforcer.kick("demo", "wrong film")
    # Before nginx@srt has cut the caller, and after.
    listing.write()
    assert world.admit_list()[:3] == TAKEN
    assert world.hang_up() == 200
    assert world.admit_list() == [*TAKEN, f"key demo {world.key_id} 0"]
    world.clock.sleep(KICK_SECONDS - 1)
    listing.write()
    assert (world.admit_list()[:3], world.call(client=8)) == (TAKEN, 403)
    world.clock.sleep(1)
    listing.write()
    assert (world.admit_list()[:3], world.call(client=9)) == (FREE, 200)


def planned(world: World, minutes: float, *, lasting: float) -> int:
    """An event of the stream that starts in so many minutes; its id."""
    starts = world.clock.now() + timedelta(minutes=minutes)
    show, window = Broadcast(title="Coffee", overlays={}, destinations={}), {"starts_at": starts}
    with world.database.write() as db:
        window["ends_at"] = starts + timedelta(minutes=lasting)
        return Events(world.database, world.here).add(db, slug="demo", owner="site", broadcast=show, **window).id


@pytest.mark.parametrize("for_one", [True, False])
def test_a_key_for_events_is_open_from_the_lead_to_the_end(world: World, listing: AdmitList, for_one: bool) -> None:
    event_id = planned(world, 20, lasting=10)
    key_id, _ = world.add_key("demo", "guest", gate="events", event_id=event_id if for_one else None)
    for slept_minutes, not_after in ((0, CLOSED), (6, 0), (23, 0), (2, CLOSED)):
        world.clock.sleep(slept_minutes * 60)
        listing.write()
        assert f"key demo {key_id} {not_after}" in world.admit_list()
        assert f"key demo {world.key_id} 0" in world.admit_list()


def test_a_key_for_another_event_is_shut_and_an_expiry_still_counts(world: World, listing: AdmitList) -> None:
    first, second = planned(world, 0, lasting=10), planned(world, 60, lasting=10)
    world.revoke_key(world.key_id)
    until = NOON + timedelta(hours=1)
    opened, _ = world.add_key("demo", "", until, gate="events", event_id=first)
    shut, _ = world.add_key("demo", "", until, gate="events", event_id=second)
    listing.write()
    assert sorted(world.admit_list()[3:]) == sorted(
        [f"key demo {opened} {int(until.timestamp())}", f"key demo {shut} {CLOSED}"]
    )


def test_a_caller_on_air_with_a_key_for_events_stays_listed_when_its_event_is_over(
    world: World, listing: AdmitList
) -> None:
    planned(world, 0, lasting=10)
    key_id, _ = world.add_key("demo", "guest", gate="events")
    assert world.call(key_id=key_id) == 200
    world.clock.sleep(11 * 60)
    listing.write()
    # nginx@srt cuts whoever is not listed.
    assert [line for line in world.admit_list() if line.startswith(f"key demo {key_id} ")]


def test_without_srt_nothing_is_written(world: World) -> None:
    world.facts = world.facts.model_copy(update={"srt": None})
    world.start()
    assert world.publish() == 200
    world.rounds(2)
    assert list((path(world) if world.facts.srt else Path(world.facts.media_root).parent / "admit").iterdir()) == []


def test_a_folder_that_is_not_there_refuses_no_publisher(world: World) -> None:
    path(world).parent.rmdir()
    assert world.publish() == 200
    world.rounds(2)
    assert world.leave() == 200


def test_a_lost_database_leaves_the_last_list(world: World, listing: AdmitList) -> None:
    before = world.admit_list()
    with world.database.write() as db:
        db.execute(text("DROP TABLE stream_key"))
    listing.refresh()
    assert world.admit_list() == before


def test_a_writer_that_died_half_way_is_in_nobodys_way(world: World, listing: AdmitList) -> None:
    path(world).with_name(".srt.new").write_text("headend-srt 1\nstream de")
    world.revoke_key(world.key_id)
    assert listing.write()
    assert world.admit_list() == FREE


def test_a_link_laid_in_its_way_is_not_followed(world: World, listing: AdmitList, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    path(world).with_name(".srt.new").symlink_to(tmp_path / "elsewhere")
    world.revoke_key(world.key_id)
    listing.refresh()
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_writer_waits_for_the_other_but_not_for_ever(
    world: World, listing: AdmitList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admit_list, "LOCK_SECONDS", 0.05)
    world.revoke_key(world.key_id)
    held = os.open(path(world).parent, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        listing.write()
    os.close(held)
    assert listing.write()


def test_of_many_writers_at_once_none_brings_a_revoked_key_back(world: World, listing: AdmitList) -> None:
    stop = threading.Event()
    torn: list[str] = []

    def turn() -> None:
        while not stop.wait(0.002):
            listing.refresh()
            content = path(world).read_text("ascii")
            if not content.startswith("\n".join(FREE) + "\n") or not content.endswith("\n"):
                torn.append(content)

    threads = [threading.Thread(target=turn) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            key_id, _ = world.add_key("demo", "", replace=True)
            listing.write()
            assert f"key demo {key_id} 0" in world.admit_list()
            world.revoke_key(key_id)
            listing.write()
            assert f"key demo {key_id} 0" not in world.admit_list()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert torn == []


def test_the_longest_list_is_within_what_nginx_srt_reads() -> None:
    slugs = [f"{number:040d}" for number in range(STREAMS + 5)]
    keys = [
        KeyView(
            slug=slugs[number % len(slugs)], key_id=f"{number:016d}", label="", created_at=NOON,
            expires_at=NOON + timedelta(seconds=number) if number % 9 else None, revoked_at=None,
        )
        for number in range(KEYS * 2)
    ]  # fmt: skip
    streams = {slug: stream_facts(slug, "").model_copy(update={"srt_admit": "encrypted"}) for slug in slugs}
    lines = render(streams, keys, {}).splitlines(keepends=True)
    assert (len(lines), sum(map(len, lines)) <= 512_000) == (1 + STREAMS + KEYS, True)
    # Keys that never expire are all there; what fell off expired first.
    assert sum(line.endswith(" 0\n") for line in lines) == sum(
        key.expires_at is None and key.slug in slugs[:STREAMS] for key in keys
    )
