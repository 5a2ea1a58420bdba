"""Does an encoder that dropped off come back to the same session, and does everything end when it does not?"""

from __future__ import annotations

import pytest

from hooks_app.stat_page import IngestDownError
from hooks_app.states import Trigger
from hooks_app.tables import TransitionRow
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import CODECS


@pytest.fixture
def patient(world: World) -> World:
    """A world in which a lost publisher may take 30 s to come back."""
    return world.with_streams(reconnect_grace_seconds=30)


def triggers(world: World, subject: str = "session") -> list[str]:
    """What the history says has happened."""
    with world.database.read() as db:
        rows = db.query(TransitionRow).filter_by(subject=subject).order_by(TransitionRow.id)
        return [row.trigger for row in rows]


def states(world: World) -> list[str]:
    """The states in which each session is now."""
    return [row.state for row in world.sessions()]


def test_a_publisher_that_leaves_interrupts_its_session_without_an_end_tag(patient: World) -> None:
    patient.go_live()
    patient.leave()
    assert patient.state() == "interrupted"
    assert (patient.units.calls[-1], patient.media.ended) == ("stop demo", set())


def test_a_publisher_that_returns_has_the_same_session(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.clock.sleep(20)
    assert patient.publish(client=8) == 200
    assert (patient.state(), len(patient.sessions())) == ("interrupted", 1)
    patient.encode()
    patient.app.state.watcher.look()
    assert patient.state() == "live"
    (row,) = patient.sessions()
    assert (row.client_id, row.publisher_lost_at, row.interruptions) == (8, None, 1)


def test_it_is_not_live_again_by_a_segment_from_before(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.publish(client=8)
    patient.app.state.watcher.look()
    assert patient.state() == "interrupted"


def test_past_the_grace_the_session_ends_with_its_end_tags(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.rounds(15)
    assert patient.state() == "interrupted"
    patient.rounds(2)
    assert (patient.state(), patient.media.ended) == ("ended", {"demo"})
    assert patient.sessions()[0].reason == "publisher left"


def test_past_the_grace_a_publisher_has_a_session_of_its_own(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.clock.sleep(31)
    assert patient.publish(client=8) == 200
    assert states(patient) == ["ended", "starting"]


def test_a_publisher_that_was_never_live_has_nothing_to_come_back_to(patient: World) -> None:
    patient.publish()
    patient.leave()
    assert (patient.state(), patient.units.calls[-1]) == ("ended", "finish demo")


def test_a_publisher_killed_without_a_word_is_interrupted_within_ten_seconds(patient: World) -> None:
    patient.go_live()
    patient.ingest.unpublish("demo")
    patient.rounds(4)
    assert (patient.state(), patient.units.up) == ("interrupted", set())


def test_the_grace_counts_from_when_the_publisher_was_first_missed(patient: World) -> None:
    patient.go_live()
    patient.leave()
    for client in (8, 9, 10):
        patient.units.restarted = lambda slug: None
        patient.clock.sleep(6)
        assert patient.publish(client=client) == 503
    assert patient.state() == "interrupted"
    patient.rounds(8)
    assert states(patient) == ["ended"]


def test_an_encoder_that_does_not_attach_costs_the_session_nothing(patient: World) -> None:
    attach, patient.units.restarted = patient.units.restarted, lambda slug: None
    patient.units.restarted = attach
    patient.go_live()
    patient.leave()
    patient.units.restarted = lambda slug: None
    assert patient.publish(client=8) == 503
    patient.units.restarted = attach
    assert patient.publish(client=9) == 200
    assert states(patient) == ["interrupted"]


def test_nginx_killed_and_publishers_back_is_one_session(patient: World) -> None:
    patient.go_live()
    patient.ingest.fault = IngestDownError("refused")
    patient.rounds(1)
    patient.ingest.fault = None
    patient.ingest.streams.clear()
    assert patient.publish(client=8) == 200
    assert states(patient) == ["interrupted"]
    assert triggers(patient) == ["publish", "playable", "lost", "returned"]


def test_a_restart_of_the_app_forgets_no_grace(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.start()
    patient.rounds(14)
    assert patient.publish(client=8) == 200
    assert states(patient) == ["interrupted"]


def test_over_a_boot_of_the_host_the_grace_counts_by_the_wall_clock(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.reboot(after_seconds=20)
    patient.rounds(1)
    assert patient.state() == "interrupted"
    patient.rounds(6)
    assert patient.state() == "ended"


def test_a_hundred_flaps_are_one_session_that_was_live_once_and_ended_once(patient: World) -> None:
    patient.go_live()
    for client in range(8, 108):
        patient.clock.sleep(3)
        patient.leave(client - 1)
        patient.clock.sleep(2)
        assert patient.publish(client=client) == 200
        patient.encode()
        patient.app.state.watcher.look()
    patient.leave(107)
    patient.rounds(20)
    assert states(patient) == ["ended"]
    assert patient.sessions()[0].interruptions == 101
    with patient.database.read() as db:
        moves = [(row.before, row.after) for row in db.query(TransitionRow).filter_by(subject="session")]
    assert (moves.count(("starting", "live")), moves.count(("interrupted", "ended"))) == (1, 1)


def test_a_refused_second_done_does_not_lengthen_the_grace(patient: World) -> None:
    patient.go_live()
    patient.leave()
    lost_at = patient.sessions()[0].publisher_lost_at
    patient.clock.sleep(10)
    patient.leave()
    assert patient.sessions()[0].publisher_lost_at == lost_at


def test_srt_callers_may_come_back_while_a_session_waits(patient: World) -> None:
    patient.go_live()
    assert "stream demo any taken" in patient.admit_list()
    patient.leave()
    assert "stream demo any free" in patient.admit_list()
    assert patient.call(client=9) == 200
    assert (patient.sessions()[0].protocol, states(patient)) == ("srt", ["interrupted"])


def test_a_signed_stream_id_is_spent_even_if_another_one_came_after_it(patient: World) -> None:
    assert patient.call(client=7, mode="signed", nonce="n0nce-of-one") == 200
    patient.encode()
    patient.app.state.watcher.look()
    patient.hang_up(7)
    assert patient.call(client=8, mode="signed", nonce="n0nce-of-two") == 200
    patient.hang_up(8)
    assert patient.call(client=9, mode="signed", nonce="n0nce-of-one") == 403


def test_what_the_publisher_sends_is_kept_with_its_session(patient: World) -> None:
    patient.go_live()
    patient.rounds(1)
    assert patient.sessions()[0].codecs == CODECS


def test_a_step_of_the_clock_changes_no_duration_and_no_grace(patient: World) -> None:
    patient.go_live()
    for step in (3600.0, -7200.0):
        patient.clock.step(step)
        patient.encode()
        patient.rounds(2)
        assert patient.state() == "live"
    patient.leave()
    patient.clock.step(-3600.0)
    patient.rounds(14)
    assert patient.state() == "interrupted"
    patient.rounds(3)
    (view,) = patient.ledger.history("demo", 1)
    assert view.state == "ended"
    assert patient.ledger.seconds(view) == pytest.approx(38, abs=1)


def test_end_tags_that_could_not_be_written_are_written_later(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.units.broken = True
    patient.rounds(17)
    assert (patient.state(), patient.media.ended) == ("ended", set())
    patient.units.broken = False
    patient.rounds(1)
    assert patient.media.ended == {"demo"}


def test_every_trigger_of_a_session_is_in_the_history_in_order(patient: World) -> None:
    patient.go_live()
    patient.leave()
    patient.publish(client=8)
    patient.encode()
    patient.app.state.watcher.look()
    patient.ledger.move(patient.sessions()[0].id, Trigger.OVER, "by hand")
    assert triggers(patient) == ["publish", "playable", "lost", "returned", "playable", "over"]
