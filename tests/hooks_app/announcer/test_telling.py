"""Is each occasion told once, at the right time, and only while it is true?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from headend.model.announcements import Announcements, Outbound
from hooks_app.announcement_tables import AnnouncerRow, PlaceRow
from tests.hooks_app.announcer.conftest import Stage, destination, worker_of
from tests.hooks_app.fakes import NOON
from tests.hooks_app.recordings_shelf import Shelf

HOUR = timedelta(hours=1)


def test_a_live_stream_is_told_once_with_poster_link_and_nobody_mentioned(stage: Stage) -> None:
    stage.world.go_live()
    assert stage.run() == 1
    (got,) = stage.discord.got
    assert (got.method, got.path) == ("POST", "/api/webhooks/1/SECRET-OF-THE-URL?wait=true")
    (embed,) = got.json["embeds"]
    assert embed["title"] == "🔴 Demo is live"
    assert embed["url"] == "https://live.example.org/watch/demo"
    assert embed["image"]["url"] == "https://live.example.org/streams/demo/poster.jpg"
    assert got.json["allowed_mentions"] == {"parse": []}
    assert stage.run(60) == 0
    (row,) = stage.messages()
    assert (row.state, row.attempts, row.receipt) == ("sent", 1, "1000000000000000001")


def test_what_was_live_becomes_was_live_and_the_recap_follows(stage: Stage) -> None:
    stage.world.go_live()
    stage.run()
    stage.world.clock.sleep(3600)
    stage.world.leave()
    stage.run()
    posted, edited = stage.discord.got
    assert (edited.method, edited.path) == ("PATCH", "/api/webhooks/1/SECRET-OF-THE-URL/messages/1000000000000000001")
    assert "live" in edited.title
    assert edited.title != posted.title
    assert stage.run(299) == 0
    assert stage.run(2) == 1
    assert stage.discord.got[2].method == "POST"
    assert "what you missed" in stage.discord.titles[2]


def test_the_debounce_is_honoured(stage: Stage) -> None:
    stage.restart(live_debounce_seconds=15)
    stage.world.go_live()
    assert (stage.run(), stage.run(14)) == (0, 0)
    assert stage.run(1.5) == 1


def test_a_stream_that_is_gone_before_the_debounce_is_not_told(stage: Stage) -> None:
    stage.restart(live_debounce_seconds=15)
    stage.world.go_live()
    stage.run()
    stage.world.clock.sleep(5)
    stage.world.leave()
    stage.pass_time(600)
    assert stage.discord.got == []
    assert ("live", "over before it could be told") in stage.voided()
    assert ("recap", "it was not told to be live") in stage.voided()


def test_an_encoder_that_comes_back_as_a_new_session_is_told_again_only_if_it_stays(stage: Stage) -> None:
    stage.world.go_live()
    stage.run()
    stage.world.leave()
    stage.run(1)
    stage.come_back()
    stage.pass_time(590)
    assert stage.discord.titles == ["🔴 Demo is live", "Demo was live"]
    stage.pass_time(310)
    assert stage.discord.titles == ["🔴 Demo is live", "Demo was live", "🔴 Demo is live"]
    assert stage.voided() == [("recap", "it went on air again")]
    stage.world.leave(client=8)
    stage.pass_time(600)
    assert stage.discord.titles[3:] == ["Demo was live", "Demo: what you missed"]


def test_a_long_interruption_is_told_and_so_is_its_end(stage: Stage) -> None:
    stage.world.with_streams(reconnect_grace_seconds=600).go_live()
    stage.run()
    stage.world.leave()
    stage.run(59)
    assert len(stage.discord.got) == 1
    stage.run(2)
    assert stage.world.publish(client=8) == 200
    stage.world.encode()
    stage.world.app.state.watcher.look()
    stage.run(1)
    assert [row.occasion for row in stage.messages(state="sent")] == ["live", "interrupted", "resumed"]


def test_a_short_interruption_is_not_told(stage: Stage) -> None:
    stage.world.with_streams(reconnect_grace_seconds=600).go_live()
    stage.run()
    stage.world.leave()
    stage.run(20)
    assert stage.world.publish(client=8) == 200
    stage.world.encode()
    stage.world.app.state.watcher.look()
    stage.pass_time(120)
    assert [row.occasion for row in stage.messages()] == ["live"]


def test_live_that_nobody_could_tell_for_half_an_hour_is_not_told(stage: Stage) -> None:
    stage.world.go_live()
    stage.pass_time(1)
    stage.discord.got.clear()
    other = stage.world
    other.leave()
    other.clock.sleep(1200)
    assert other.publish(client=9) == 200
    other.encode()
    other.app.state.watcher.look()
    # The announcer was down.
    other.clock.sleep(31 * 60)
    stage.run()
    assert ("live", "too late") in stage.voided()


def test_each_reminder_comes_once_and_on_time(stage: Stage) -> None:
    stage.plan(NOON + 2 * HOUR)
    stage.run()
    stage.discord.got.clear()
    times = []
    for _ in range(2 * 60 * 6):
        if stage.run(10):
            times.append(round((NOON + 2 * HOUR - stage.world.clock.now()).total_seconds() / 60))
    assert times == [30, 10, 5]
    assert [got.title for got in stage.discord.got] == [
        "Open bell starts in 30 min",
        "Open bell starts in 10 min",
        "Open bell starts in 5 min",
    ]


def test_an_event_has_offsets_of_its_own(stage: Stage) -> None:
    stage.plan(NOON + 3 * HOUR, countdown_minutes=[120, 1])
    stage.pass_time(3 * 3600)
    assert [row.occasion for row in stage.messages()] == ["scheduled", "countdown", "countdown"]


def test_reminders_that_an_event_has_no_more_are_not_told(stage: Stage) -> None:
    event = stage.plan(NOON + 2 * HOUR, countdown_minutes=[60, 30, 10])
    stage.run()
    stage.change(event, countdown_minutes=[20, 10])
    stage.pass_time(2 * 3600)
    assert [row.story["minutes"] for row in stage.messages(occasion="countdown")] == [20, 10]
    assert stage.voided() == [("countdown", "its reminders were changed")] * 2


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_clock_that_is_set_brings_no_reminder_twice(stage: Stage, step: float) -> None:
    stage.plan(NOON + 2 * HOUR)
    stage.pass_time(85 * 60)
    assert [row.story["minutes"] for row in stage.messages(occasion="countdown")] == []
    stage.pass_time(10 * 60)
    stage.world.clock.step(step)
    stage.pass_time(3 * 3600)
    told = [row.story["minutes"] for row in stage.messages(occasion="countdown", state="sent")]
    # An hour ahead, the start is over: those that were not told yet have no sense any more.
    assert told == ([30] if step > 0 else [30, 10, 5])


def test_a_restart_five_minutes_before_loses_and_doubles_no_reminder(stage: Stage) -> None:
    stage.plan(NOON + HOUR)
    stage.pass_time(54 * 60)
    stage.pass_time(59, step=1)
    stage.restart()
    stage.pass_time(60, step=1)
    stage.restart()
    stage.pass_time(241)
    assert [row.story["minutes"] for row in stage.messages(occasion="countdown", state="sent")] == [30, 10, 5]


def test_reminders_across_a_change_of_the_clocks(stage: Stage) -> None:
    """29 March 2026, 02:00 becomes 03:00 in Berlin: a show at 03:10 is ten minutes after 01:59."""
    start = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    stage.world.clock.sleep((start - NOON).total_seconds() - 3600)
    stage.plan(start)
    stage.pass_time(3600, step=10)
    told = [row.story["minutes"] for row in stage.messages(occasion="countdown", state="sent")]
    assert told == [30, 10, 5]


def test_a_moved_event_has_the_reminders_of_its_new_start(stage: Stage) -> None:
    event = stage.plan(NOON + HOUR)
    stage.pass_time(35 * 60)
    stage.change(event, starts_at=NOON + 3 * HOUR, ends_at=NOON + 4 * HOUR)
    stage.pass_time(150 * 60)
    assert [row.story["minutes"] for row in stage.messages(occasion="countdown")] == [30, 30, 10, 5]
    assert [row.occasion for row in stage.messages()][:3] == ["scheduled", "countdown", "moved"]


def test_a_cancelled_event_has_none(stage: Stage) -> None:
    event = stage.plan(NOON + HOUR)
    stage.pass_time(35 * 60)
    stage.cancel(event)
    stage.pass_time(60 * 60)
    assert [row.occasion for row in stage.messages()] == ["scheduled", "countdown", "cancelled"]


def test_an_early_start_ends_the_countdown(stage: Stage) -> None:
    stage.plan(NOON + HOUR)
    stage.pass_time(52 * 60)
    stage.world.go_live()
    stage.pass_time(15 * 60)
    assert [row.occasion for row in stage.messages()] == ["scheduled", "countdown", "countdown", "live"]
    assert ("countdown", "the event is live already") in stage.voided()


def test_an_event_switches_its_destinations(stage: Stage) -> None:
    stage.plan(NOON + 5 * timedelta(minutes=1), destinations={"chat": False})
    stage.world.go_live()
    stage.pass_time(60)
    assert stage.messages() == []


def test_two_hosts_make_one_message(stage: Stage) -> None:
    other = worker_of(stage.world, stage.facts, "origin-2")
    stage.world.go_live()
    other.look()
    stage.worker.look()
    while stage.worker.send_next() or other.send_next():
        pass
    assert len(stage.discord.got) == len(stage.messages()) == 1


def test_a_dry_run_sends_nothing_and_says_so(stage: Stage) -> None:
    stage.restart(mode="dry_run")
    stage.world.go_live()
    stage.run()
    assert (stage.discord.got, stage.states()) == ([], [("live", "dry_run")])


def test_off_makes_no_messages(stage: Stage) -> None:
    stage.restart(mode="off")
    stage.world.go_live()
    stage.run()
    assert stage.messages() == []


def test_the_kill_switch_stops_everything_at_once(stage: Stage) -> None:
    with stage.world.database.write() as db:
        db.get_one(AnnouncerRow, 1).on = False
    stage.world.go_live()
    assert stage.run() == 0
    with stage.world.database.write() as db:
        db.get_one(AnnouncerRow, 1).on = True
    assert stage.run(60) == 1


def test_a_muted_place_hears_nothing_of_what_comes_meanwhile(stage: Stage) -> None:
    with stage.world.database.write() as db:
        db.get_one(PlaceRow, "chat").muted_until = NOON + HOUR
    stage.world.go_live()
    stage.pass_time(2 * 3600, step=600)
    assert (stage.discord.got, stage.messages()[0].reason) == ([], "muted")


def test_another_owner_s_place_hears_nothing(stage: Stage) -> None:
    stage.restart(destinations=(destination(owner="marketing"),))
    stage.world.go_live()
    stage.run()
    assert stage.messages() == []


def test_a_place_hears_of_its_streams_and_occasions_only(stage: Stage) -> None:
    stage.restart(destinations=(destination(streams=("coffee-and-stocks",)), destination("two", occasions=("recap",))))
    stage.world.go_live()
    stage.run()
    assert stage.messages() == []


QUIET = Announcements(
    destinations=(
        destination(
            occasions=("live", "recap", "countdown", "scheduled"),
            quiet_hours={"start": "22:00", "end": "07:30", "time_zone": "America/New_York", "urgent": ()},
        ),
    ),
    outbound=Outbound(allow=("127.0.0.0/8",)),
)


class TestQuietHours:
    """22:00 to 07:30 in New York, which is 03:00 to 12:30 UTC in winter."""

    @pytest.fixture
    def settings(self) -> Announcements:
        return QUIET

    def test_what_piles_up_is_told_once_and_what_is_stale_is_not(self, stage: Stage) -> None:
        # Noon UTC is 07:00 there.
        first = stage.plan(NOON + 5 * HOUR)
        stage.plan(NOON + 25 * HOUR)
        stage.plan(NOON + 50 * HOUR)
        stage.run()
        assert stage.discord.got == []
        stage.cancel(first)
        stage.pass_time(29 * 60)
        assert stage.discord.got == []
        stage.pass_time(120)
        (digest,) = stage.discord.got
        assert "2 news" in digest.title
        assert [row.state for row in stage.messages()] == ["dropped", "sent", "merged"]

    def test_one_alone_is_told_as_it_is(self, stage: Stage) -> None:
        stage.plan(NOON + 25 * HOUR)
        stage.pass_time(31 * 60)
        (got,) = stage.discord.got
        assert "Open bell" in got.title

    def test_a_live_that_is_over_in_the_morning_is_dropped(self, stage: Stage) -> None:
        stage.world.go_live()
        stage.run()
        stage.world.leave()
        stage.pass_time(31 * 60)
        assert [(row.occasion, row.state) for row in stage.messages()] == [("live", "dropped"), ("recap", "sent")]
        assert len(stage.discord.got) == 1

    def test_what_is_urgent_is_told_at_any_hour(self, stage: Stage) -> None:
        place = QUIET.destinations[0]
        assert place.quiet_hours is not None
        urgent = place.model_copy(update={"quiet_hours": place.quiet_hours.model_copy(update={"urgent": ("live",)})})
        stage.restart(destinations=(urgent,))
        stage.world.go_live()
        assert stage.run() == 1


def test_the_recap_says_how_many_watched_and_where_it_is_to_be_seen(stage: Stage) -> None:
    event = stage.plan(NOON + timedelta(minutes=5))
    stage.world.go_live()
    stage.run()
    for viewers in (40, 120, 90):
        assert stage.world.ledger.note_viewers("demo", viewers) == max(viewers, 40 if viewers == 40 else 120)
    stage.world.leave()
    stage.change(event, recap_url="https://example.org/recaps/1")
    stage.pass_time(600)
    (recap,) = [got for got in stage.discord.got if "what you missed" in got.title]
    text = recap.json["embeds"][0]["description"]
    assert "120 viewers" in text
    assert "https://example.org/recaps/1" in text


@pytest.mark.parametrize("good_minutes, is_told", [(None, True), (1000, False)])
def test_the_recap_of_an_event_without_an_address_tells_a_replay_that_lasts(
    stage: Stage, good_minutes: float | None, is_told: bool
) -> None:
    event = stage.plan(NOON + timedelta(minutes=5))
    stage.world.go_live()
    stage.run()
    stage.world.leave()
    Shelf(stage.world).put(event_id=event, good_minutes=good_minutes)
    stage.pass_time(600)
    (recap,) = [got for got in stage.discord.got if "what you missed" in got.title]
    assert ("https://s3.example.org/live-recordings/" in recap.json["embeds"][0]["description"]) == is_told
