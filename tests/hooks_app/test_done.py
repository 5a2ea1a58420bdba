"""Is a publisher's leaving believed only when it is true?"""

from __future__ import annotations

from hooks_app.stat_page import StatPageError
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import done_body


def test_a_publisher_that_left_ends_its_session_and_its_encoder(world: World) -> None:
    world.go_live()
    assert world.leave() == 200
    assert world.state() == "ended"
    assert world.units.calls[-1] == "finish demo"


def test_a_forged_done_changes_nothing_while_the_publisher_is_there(world: World) -> None:
    world.go_live()
    assert world.post("on_publish_done", done_body(world.key)) == 200
    assert (world.state(), world.units.calls) == ("live", ["restart demo"])


def test_a_refused_second_publisher_cannot_end_the_first_ones_session(world: World) -> None:
    world.go_live()
    assert world.post("on_publish_done", done_body(world.key, client=8)) == 200
    assert world.state() == "live"


def test_done_without_a_session_is_no_news(world: World) -> None:
    assert world.leave() == 200
    assert world.units.calls == []


def test_done_is_left_to_reconcile_while_the_stat_page_is_unreadable(world: World) -> None:
    world.go_live()
    world.ingest.fault = StatPageError("silent")
    assert world.leave() == 200
    assert world.state() == "live"


def test_a_revoked_key_does_not_keep_a_session_from_ending(world: World) -> None:
    world.go_live()
    world.revoke_key(world.key_id)
    world.leave()
    assert world.state() == "ended"
