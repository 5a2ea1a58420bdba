"""Who may replace whom, and who is cut?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from hooks_app.states import Trigger
from tests.hooks_app.conftest import World


def silent(world: World, seconds: float) -> None:
    """The publisher is there and sends nothing; the reconcile loop looks."""
    for _ in range(int(seconds)):
        world.clock.sleep(1)
        world.app.state.reconciler.round()


@pytest.fixture
def yielding(world: World) -> World:
    """A world in which a silent publisher may be replaced."""
    return world.with_streams(takeover="replace_silent", reconnect_grace_seconds=30)


def test_by_default_a_silent_publisher_keeps_its_stream(world: World) -> None:
    world.go_live()
    silent(world, 6)
    assert (world.publish(client=8), world.ingest.dropped) == (403, [])


def test_a_publisher_that_has_been_silent_for_five_seconds_is_replaced_in_its_session(yielding: World) -> None:
    yielding.go_live()
    silent(yielding, 6)
    assert (yielding.publish(client=8), yielding.ingest.dropped) == (200, ["demo"])
    assert [(row.state, row.client_id) for row in yielding.sessions()] == [("interrupted", 8)]


def test_a_publisher_that_sends_is_not_replaced(yielding: World) -> None:
    yielding.go_live()
    for _ in range(8):
        yielding.ingest.send("demo")
        silent(yielding, 1)
    assert (yielding.publish(client=8), yielding.ingest.dropped) == (403, [])


def test_four_seconds_of_silence_are_too_few(yielding: World) -> None:
    yielding.go_live()
    silent(yielding, 4)
    assert yielding.publish(client=8) == 403


def test_a_silent_publisher_that_cannot_be_dropped_stays(yielding: World) -> None:
    yielding.go_live()
    silent(yielding, 6)
    yielding.ingest.undroppable = True
    assert yielding.publish(client=8) == 503
    assert yielding.sessions()[0].client_id == 7


def test_a_wrong_key_replaces_nobody(yielding: World) -> None:
    yielding.go_live()
    silent(yielding, 6)
    assert (yielding.publish(client=8, key="wrong"), yielding.ingest.dropped) == (403, [])


def test_a_revoked_key_ends_its_session_at_the_next_look(world: World) -> None:
    world.with_streams(reconnect_grace_seconds=30).go_live()
    world.revoke_key(world.key_id)
    assert world.app.state.enforcer.look() <= 1
    assert world.ingest.dropped == ["demo"]
    world.leave()
    assert (world.state(), world.sessions()[0].reason) == ("ended", "key revoked")


def test_a_key_that_expires_ends_its_session(world: World) -> None:
    _, secret = world.add_key("demo", "", world.clock.now() + timedelta(seconds=10))
    assert world.publish(key=secret) == 200
    world.app.state.enforcer.look()
    assert world.ingest.dropped == []
    world.clock.sleep(11)
    world.app.state.enforcer.look()
    world.leave()
    assert world.sessions()[0].reason == "key expired"


def test_another_key_s_end_cuts_nobody(world: World) -> None:
    other, _ = world.add_key("demo", "")
    world.go_live()
    world.revoke_key(other)
    world.app.state.enforcer.look()
    assert world.ingest.dropped == []


@pytest.mark.parametrize("trigger", [Trigger.LOST, Trigger.OVER])
def test_who_is_found_on_air_again_is_known_by_its_key(world: World, trigger: Trigger) -> None:
    world.with_streams(reconnect_grace_seconds=30).go_live()
    world.ledger.move(world.sessions()[0].id, trigger, "a mistake")
    world.rounds(1)
    session = world.sessions()[-1]
    assert session.ended_at is None
    assert (session.client_id, session.key_id, session.peer) == (7, world.key_id, "203.0.113.9")
    world.revoke_key(world.key_id)
    world.app.state.enforcer.look()
    assert world.ingest.dropped == ["demo"]


def test_another_publisher_is_not_taken_for_who_was_on_air_before(world: World) -> None:
    world.go_live()
    world.leave()
    world.ingest.publish("demo", 8)
    world.rounds(1)
    assert [(row.client_id, row.key_id) for row in world.sessions()] == [(7, world.key_id), (8, None)]


def test_a_connection_number_of_another_boot_names_nobody(world: World) -> None:
    world.go_live()
    world.leave()
    world.reboot(60)
    world.ingest.publish("demo", 7)
    world.rounds(1)
    assert [row.key_id for row in world.sessions()] == [world.key_id, None]


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_who_was_found_on_air_without_a_key_goes_when_a_key_of_its_stream_does(world: World, how: str) -> None:
    world.revoke_key(world.add_key("demo")[0])
    ending, _ = world.add_key("demo", "", world.clock.now() + timedelta(seconds=10))
    elsewhere, _ = world.add_key("coffee-and-stocks")
    world.clock.sleep(5)
    world.ingest.publish("demo", 7)
    world.rounds(1)
    world.revoke_key(elsewhere)
    world.app.state.enforcer.look()
    assert world.ingest.dropped == []
    if how == "revoked":
        world.revoke_key(ending)
    else:
        world.clock.sleep(10)
    world.app.state.enforcer.look()
    assert (world.ingest.dropped, world.sessions()[0].ending) == (
        ["demo"],
        f"a key of the stream {how}, its own unknown",
    )


def test_who_could_not_be_dropped_is_dropped_at_the_next_look(world: World) -> None:
    world.go_live()
    world.ingest.undroppable = True
    world.revoke_key(world.key_id)
    world.app.state.enforcer.look()
    world.ingest.undroppable = False
    world.app.state.enforcer.look()
    assert world.ingest.dropped == ["demo", "demo"]


def test_a_kick_ends_the_session_and_holds_the_door_for_a_while(world: World) -> None:
    world.with_streams(reconnect_grace_seconds=30).go_live()
    assert world.app.state.enforcer.kick("demo", "wrong film")
    world.leave()
    assert (world.state(), world.sessions()[0].reason) == ("ended", "kicked: wrong film")
    world.clock.sleep(20)
    assert world.publish(client=8) == 403
    world.clock.sleep(11)
    assert world.publish(client=9) == 200


def test_a_kick_of_a_session_that_waits_ends_it_within_a_round(world: World) -> None:
    world.with_streams(reconnect_grace_seconds=30).go_live()
    world.leave()
    assert world.app.state.enforcer.kick("demo", "")
    world.rounds(1)
    assert (world.state(), world.ingest.dropped) == ("ended", [])


def test_there_is_nobody_to_kick_on_a_stream_that_is_off_air(world: World) -> None:
    assert not world.app.state.enforcer.kick("demo", "")
