"""Does the state become true again, whatever was killed?"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hooks_app.stat_page import IngestDownError, StatPageError
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import publish_body


def test_what_is_well_is_left_alone(world: World) -> None:
    world.go_live()
    world.rounds(3)
    assert (world.state(), world.units.calls) == ("live", ["restart demo"])


def test_a_publisher_killed_without_a_word_is_over_within_ten_seconds(world: World) -> None:
    world.go_live()
    world.ingest.unpublish("demo")
    world.rounds(4)
    assert (world.state(), world.units.up) == ("ended", set())


def test_a_publisher_that_was_let_in_but_never_came_is_over(world: World) -> None:
    assert world.post("on_publish", publish_body(world.key)) == 200
    world.rounds(4)
    assert (world.state(), world.units.up) == ("ended", set())


def test_a_killed_encoder_is_started_again_and_the_stream_stays_live(world: World) -> None:
    world.go_live()
    world.units.up.clear()
    world.ingest.detach("demo")
    world.rounds(1)
    assert (world.state(), world.units.up) == ("live", {"demo"})


def test_an_encoder_that_hangs_off_nothing_is_started_anew_once(world: World) -> None:
    world.go_live()
    world.ingest.detach("demo")
    world.rounds(5)
    assert world.units.calls == ["restart demo", "restart demo"]


def test_an_orphan_encoder_is_stopped(world: World) -> None:
    world.units.up = {"demo", "of-an-earlier-spec"}
    world.rounds(1)
    assert world.units.up == set()


def test_while_nginx_is_down_sessions_end_within_ten_seconds(world: World) -> None:
    world.go_live()
    world.ingest.fault = IngestDownError("refused")
    world.rounds(4)
    assert (world.state(), world.units.up) == ("ended", set())


def test_a_publisher_that_comes_back_after_nginx_was_killed_gets_a_session_of_its_own(world: World) -> None:
    world.go_live()
    world.ingest.streams.clear()
    world.rounds(1)
    assert world.publish(client=8) == 200
    assert [row.state for row in world.sessions()] == ["ended", "starting"]


def test_a_silent_stat_page_ends_nothing(world: World) -> None:
    world.go_live()
    world.ingest.fault = StatPageError("timed out")
    world.rounds(10)
    assert (world.state(), world.units.calls) == ("live", ["restart demo"])


def test_a_mute_systemd_ends_nothing(world: World) -> None:
    world.go_live()
    world.units.broken = True
    world.rounds(3)
    assert world.state() == "live"


def test_an_encoder_that_cannot_be_stopped_does_not_keep_the_others_from_being_mended(world: World) -> None:
    world.units.up = {"an-earlier-spec"}
    world.units.broken = True
    world.ingest.publish("demo", 7)
    world.rounds(1)
    assert world.units.calls == ["stop an-earlier-spec", "restart demo"]
    assert world.state() == "starting"


def test_a_restart_of_the_hook_app_leaves_a_live_stream_untouched(world: World) -> None:
    world.go_live()
    world.start()
    world.rounds(3)
    assert (world.state(), world.units.calls, len(world.sessions())) == ("live", ["restart demo"], 1)


def test_a_publisher_that_left_while_the_hook_app_was_away_is_over(world: World) -> None:
    world.go_live()
    world.ingest.unpublish("demo")
    world.start()
    world.rounds(4)
    assert world.state() == "ended"


def test_a_publisher_let_in_just_before_the_hook_app_was_killed_is_adopted(world: World) -> None:
    world.ingest.publish("demo", 7)
    world.rounds(1)
    assert (world.state(), world.units.up) == ("starting", {"demo"})
    assert world.leave() == 200
    assert world.state() == "ended"


def test_live_is_withdrawn_when_a_playlist_stops_growing_and_comes_back_with_it(world: World) -> None:
    world.go_live()
    world.rounds(6)
    assert world.state() == "interrupted"
    world.encode("2-00000.ts")
    world.app.state.watcher.look()
    assert world.state() == "live"


def test_a_growing_playlist_stays_live(world: World) -> None:
    world.go_live()
    for number in range(10):
        world.encode(f"1-{number:05d}.ts")
        world.rounds(1)
    assert world.state() == "live"


def test_a_stream_in_a_hook_s_hands_is_not_touched(world: World) -> None:
    world.units.restarted = lambda slug: world.rounds(4)
    world.publish()
    assert world.units.calls == ["restart demo", "stop demo"]


def test_a_stream_that_left_the_spec_on_air_goes_on_until_its_publisher_leaves(world: World) -> None:
    world.go_live()
    world.facts = world.facts.model_copy(update={"streams": world.facts.streams[1:]})
    world.start()
    world.rounds(3)
    assert world.units.up == {"demo"}
    world.ingest.unpublish("demo")
    world.rounds(3)
    assert (world.units.up, world.sessions()[0].state) == (set(), "ended")


def test_a_round_without_a_database_is_no_round(world: World) -> None:
    with world.database.write() as db:
        db.execute(text("DROP TABLE host"))
    with pytest.raises(SQLAlchemyError):
        world.rounds(1)
