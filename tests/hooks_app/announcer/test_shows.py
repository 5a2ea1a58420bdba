"""Is each show told, however many sessions it takes, and does what one session told stay its own?"""

from __future__ import annotations

from datetime import timedelta

from tests.hooks_app.announcer.conftest import Stage
from tests.hooks_app.fakes import NOON

MINUTE = timedelta(minutes=1)
LIVE, WAS_LIVE, RECAP = "🔴 Demo is live", "Demo was live", "Demo: what you missed"


def short_test(stage: Stage, minutes: float = 2) -> None:
    """Somebody tries whether all works, and is told."""
    stage.world.go_live()
    stage.run()
    stage.world.clock.sleep(60 * minutes)
    stage.world.leave()
    stage.run()


def test_the_show_after_a_test_is_told_when_the_cooldown_ends(stage: Stage) -> None:
    short_test(stage)
    stage.run(60)
    stage.come_back()
    stage.pass_time(6 * 60)
    assert stage.discord.titles == [LIVE, WAS_LIVE]
    stage.pass_time(2 * 60)
    assert stage.discord.titles == [LIVE, WAS_LIVE, LIVE]
    stage.pass_time(3600)
    stage.world.leave(client=8)
    stage.pass_time(600)
    assert stage.discord.titles == [LIVE, WAS_LIVE, LIVE, WAS_LIVE, RECAP]
    # Each end changes the post of its own session.
    changed = [got.path.rpartition("/")[2] for got in stage.discord.got if got.method == "PATCH"]
    assert changed == [row.receipt for row in stage.messages(occasion="live")]
    assert len(set(changed)) == 2


def test_a_cooldown_that_is_longer_than_a_live_is_fresh_silences_no_show(stage: Stage) -> None:
    stage.restart(live_cooldown_minutes=60, live_stale_minutes=30)
    short_test(stage)
    stage.come_back()
    stage.pass_time(59 * 60, step=60)
    assert stage.discord.titles == [LIVE, WAS_LIVE, LIVE]


def test_a_cooldown_begins_when_it_was_told(stage: Stage) -> None:
    short_test(stage)
    stage.come_back()
    stage.pass_time(8 * 60 + 30)
    stage.world.leave(client=8)
    stage.run()
    stage.run(60)
    stage.come_back(client=9)
    # Twelve minutes after the second one went live, and two after it was told.
    stage.pass_time(60)
    assert stage.discord.titles == [LIVE, WAS_LIVE, LIVE, WAS_LIVE]


def test_what_was_not_told_has_no_end(stage: Stage) -> None:
    short_test(stage)
    stage.come_back()
    stage.run(30)
    stage.world.leave(client=8)
    stage.pass_time(1200)
    # The one that was told has its recap, though another one came after it.
    assert stage.discord.titles == [LIVE, WAS_LIVE, RECAP]
    assert sorted(stage.voided()) == [
        ("ended", "it was not told to be live"),
        ("live", "over before it could be told"),
        ("recap", "it was not told to be live"),
    ]


def test_a_planned_show_waits_for_no_other_one_s_cooldown(stage: Stage) -> None:
    stage.plan(NOON + 20 * MINUTE)
    short_test(stage)
    # Not before the lead of the event.
    stage.run(4 * 60)
    stage.come_back()
    stage.run()
    assert stage.discord.titles[-1] == "🔴 Open bell is live"


def test_the_show_after_takes_no_recap_away(stage: Stage) -> None:
    stage.plan(NOON + 5 * MINUTE, minutes=30, title="First", countdown_minutes=[])
    stage.plan(NOON + 36 * MINUTE, minutes=30, title="Second", countdown_minutes=[])
    stage.world.go_live()
    stage.run()
    stage.run(36 * 60)
    stage.world.leave()
    stage.come_back()
    stage.pass_time(600)
    assert stage.discord.titles[-2:] == ["🔴 Second is live", "First: what you missed"]


def test_a_mistaken_publish_takes_no_recap_away(stage: Stage) -> None:
    short_test(stage)
    assert stage.world.publish(client=8) == 200
    stage.world.clock.sleep(3)
    stage.world.leave(client=8)
    stage.pass_time(600)
    assert stage.discord.titles == [LIVE, WAS_LIVE, RECAP]


def test_an_interruption_that_is_over_is_not_told_late(stage: Stage) -> None:
    stage.world.with_streams(reconnect_grace_seconds=600).go_live()
    stage.run()
    stage.world.leave()
    stage.world.clock.sleep(61)
    # Its message is made, and not sent yet.
    stage.worker.look()
    stage.come_back()
    stage.pass_time(60)
    assert stage.discord.titles == [LIVE]
    assert [(row.occasion, row.state, row.reason) for row in stage.messages()][1:] == [
        ("interrupted", "dropped", "it went on"),
        ("resumed", "dropped", "nobody heard of the interruption"),
    ]


def test_live_is_not_told_while_it_is_interrupted(stage: Stage) -> None:
    stage.world.with_streams(reconnect_grace_seconds=600).go_live()
    stage.worker.look()
    stage.world.leave()
    stage.pass_time(30, step=1)
    assert stage.discord.got == []
    stage.come_back()
    stage.pass_time(3, step=1)
    assert stage.discord.titles == [LIVE]
    assert [(row.occasion, row.state, row.attempts) for row in stage.messages()] == [("live", "sent", 1)]
