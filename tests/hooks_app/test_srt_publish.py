"""Which SRT callers are let in, and what is kept of them?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from headend.model.facts import HookFacts
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import publish_body

SIGNED = {"mode": "signed", "nonce": "n0nce-of-one"}


def set_srt(world: World, **changed: str) -> None:
    """Deploy other SRT facts."""
    assert world.facts.srt is not None
    srt = world.facts.srt.model_copy(update=changed)
    world.facts = world.facts.model_copy(update={"srt": srt})
    world.start()


def admit(facts: HookFacts, srt_admit: str) -> HookFacts:
    """Facts in which the streams admit SRT callers this way."""
    streams = tuple(stream.model_copy(update={"srt_admit": srt_admit}) for stream in facts.streams)
    return facts.model_copy(update={"streams": streams})


def test_an_active_key_is_admitted_and_its_caller_is_kept(world: World) -> None:
    assert world.call() == 200
    row = world.sessions()[0]
    kept = (row.protocol, row.key_id, row.peer, row.mode, row.nonce)
    assert kept == ("srt", world.key_id, "203.0.113.9:40000", "encrypted", None)
    assert world.units.calls == ["restart demo"]


def test_a_signed_caller_is_kept_with_its_nonce(world: World) -> None:
    assert world.call(**SIGNED) == 200
    assert (world.sessions()[0].mode, world.sessions()[0].nonce) == ("signed", "n0nce-of-one")


def test_an_rtmp_publisher_is_kept_too(world: World) -> None:
    assert world.publish() == 200
    row = world.sessions()[0]
    assert (row.protocol, row.key_id, row.peer, row.mode, row.nonce) == (
        "rtmp", world.key_id, "203.0.113.9", None, None,
    )  # fmt: skip


def test_an_unknown_key_leaves_no_row_and_no_unit(world: World) -> None:
    assert world.call(key_id="00000000") == 403
    assert (world.units.calls, world.sessions()) == ([], [])


def test_a_revoked_key_is_refused_even_if_the_list_was_old(world: World) -> None:
    world.revoke_key(world.key_id)
    assert world.call() == 403


def test_another_streams_key_is_refused(world: World) -> None:
    other, _ = world.add_key("coffee-and-stocks", "")
    assert world.call(key_id=other) == 403


def test_an_expired_key_is_refused_over_both_protocols(world: World) -> None:
    key_id, key = world.add_key("demo", "", world.clock.now() + timedelta(hours=1))
    world.clock.sleep(3601)
    assert world.call(key_id=key_id) == 403
    assert world.publish(key=key) == 403


def test_a_key_is_good_until_its_last_second(world: World) -> None:
    key_id, _ = world.add_key("demo", "", world.clock.now() + timedelta(hours=1))
    world.clock.sleep(3600.9)
    assert world.call(key_id=key_id) == 200


def test_an_undeclared_stream_is_refused(world: World) -> None:
    key_id, _ = world.add_key("gone", "")
    assert world.call(key_id=key_id, name="gone") == 403


@pytest.mark.parametrize(
    "srt_admit, mode, status",
    [
        ("any", "encrypted", 200), ("any", "signed", 200), ("encrypted", "encrypted", 200), ("signed", "signed", 200),
        ("encrypted", "signed", 403), ("signed", "encrypted", 403),
    ],
)  # fmt: skip
def test_the_streams_own_way_decides(world: World, srt_admit: str, mode: str, status: int) -> None:
    world.facts = admit(world.facts, srt_admit)
    world.start()
    assert world.call(mode=mode, nonce="n0nce-of-one" if mode == "signed" else "-") == status


def test_without_srt_in_the_spec_no_caller_is_believed(world: World) -> None:
    world.facts = world.facts.model_copy(update={"srt": None})
    world.start()
    assert world.call() == 403
    assert world.publish() == 200


def test_a_nonce_admits_once_even_after_everything_was_restarted(world: World) -> None:
    assert world.call(**SIGNED) == 200
    assert world.hang_up() == 200
    world.start()
    world.clock.sleep(60)
    assert world.call(client=8, **SIGNED) == 403
    assert world.call(client=9, mode="signed", nonce="n0nce-of-two") == 200


def test_a_nonce_of_an_attempt_that_was_not_let_in_is_not_used_up(world: World) -> None:
    world.units.broken = True
    assert world.call(**SIGNED) == 503
    world.units.broken = False
    assert world.call(client=8, **SIGNED) == 200


def test_a_nonce_belongs_to_its_key(world: World) -> None:
    second, _ = world.add_key("demo", "")
    assert world.call(**SIGNED) == 200
    world.hang_up()
    assert world.call(client=8, key_id=second, **SIGNED) == 200


@pytest.mark.parametrize("peer, status", [("203.0.113.9:40001", 200), ("203.0.113.10:40000", 403)])
def test_where_reuse_is_allowed_it_is_from_the_same_address(world: World, peer: str, status: int) -> None:
    set_srt(world, signed_reuse="same_address")
    assert world.call(**SIGNED) == 200
    world.hang_up()
    assert world.call(client=8, peer=peer, **SIGNED) == status


def test_encrypted_callers_come_back_as_often_as_they_like(world: World) -> None:
    for client in range(3):
        assert world.call(client=client) == 200
        assert world.hang_up(client) == 200


def test_of_two_protocols_the_first_one_stays(world: World) -> None:
    assert world.publish() == 200
    assert world.call(client=8) == 403
    world.leave()
    world.clock.sleep(2)
    assert world.call(client=9) == 200
    assert world.publish(client=10) == 403


def test_a_forged_done_over_tcp_does_not_end_a_callers_session(world: World) -> None:
    assert world.call() == 200
    assert world.post("on_publish_done", publish_body("x", call="publish_done").replace(b"&type=live", b"")) == 200
    assert world.sessions()[0].ended_at is None


def test_a_publisher_found_on_the_unix_socket_is_adopted_as_srt(world: World) -> None:
    assert world.call() == 200
    with world.database.write() as db:
        db.query(type(world.sessions()[0])).delete()
    world.rounds(1)
    assert [(row.protocol, row.key_id) for row in world.sessions()] == [("srt", None)]
    assert world.hang_up() == 200
    assert world.state() == "ended"
