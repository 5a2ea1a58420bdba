"""Do the server's calendar and its stage follow the broadcast, and break nothing?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from headend.announcing.occasion import Occasion
from headend.own_words import sample
from hooks_app.senders.outcome import Again, Dead, Sent
from tests.hooks_app.announcer.conftest import destination
from tests.hooks_app.announcer.sending import delivery, message
from tests.support.receiver import Receiver


class TestDiscordBot:
    @pytest.fixture
    def tell(self, discord: Receiver, keep_secret: Callable[[str, str], None]) -> Callable[..., Any]:
        keep_secret("bot", "BOT-TOKEN")
        place = destination(bot_secret="bot", guild_id="1" * 18, stage_channel_id="2" * 18)
        teller = delivery(place, api=f"http://127.0.0.1:{discord.port}/api/v10")

        def send(occasion: Occasion, part: str, earlier: str | None = None, **more: Any) -> Any:
            said = message(occasion, destination="chat", part=part, earlier=earlier, **more)
            return teller.idle(said) or teller.send(said)

        return send

    def test_a_planned_event_is_in_the_calendar_goes_live_and_ends(
        self, tell: Callable[..., Any], discord: Receiver
    ) -> None:
        made = tell(Occasion.SCHEDULED, "calendar")
        assert isinstance(made, Sent)
        tell(Occasion.MOVED, "calendar", made.receipt)
        tell(Occasion.LIVE, "calendar", made.receipt)
        tell(Occasion.ENDED, "calendar", made.receipt)
        path = f"/api/v10/guilds/{'1' * 18}/scheduled-events"
        assert [(one.method, one.path) for one in discord.got] == [
            ("POST", path),
            *[("PATCH", f"{path}/{made.receipt}")] * 3,
        ]
        assert discord.got[0].headers["authorization"] == "Bot BOT-TOKEN"
        assert discord.got[0].json["entity_metadata"] == {"location": sample(Occasion.LIVE).live_url}
        assert [one.json.get("status") for one in discord.got[2:]] == [2, 3]

    def test_what_is_not_in_the_calendar_is_not_changed_there(
        self, tell: Callable[..., Any], discord: Receiver
    ) -> None:
        assert tell(Occasion.LIVE, "calendar") == "there is no entry in the calendar"
        assert discord.got == []

    def test_an_entry_that_people_deleted_does_not_break_the_place(
        self, tell: Callable[..., Any], discord: Receiver
    ) -> None:
        discord.always = (404, {}, b'{"code": 10070}')
        assert isinstance(tell(Occasion.LIVE, "calendar", "3"), Dead)

    @pytest.mark.parametrize("found, methods", [("Open bell with Jo", ["GET"]), ("Another one", ["GET", "POST"])])
    def test_an_entry_whose_answer_was_lost_is_looked_for_first(
        self, tell: Callable[..., Any], discord: Receiver, found: str, methods: list[str]
    ) -> None:
        other = {"id": "4", "name": found, "scheduled_start_time": "2026-12-02T19:00:00+00:00"}
        entry = {"id": "5", "name": found, "scheduled_start_time": "2026-12-01T20:00:00+01:00"}
        discord.answers.append((200, {}, json.dumps([other, entry]).encode()))
        outcome = tell(Occasion.SCHEDULED, "calendar", repeated=True)
        assert isinstance(outcome, Sent)
        assert [one.method for one in discord.got] == methods
        assert (outcome.receipt == "5") is (methods == ["GET"])

    def test_where_it_cannot_be_looked_for_nothing_is_made(self, tell: Callable[..., Any], discord: Receiver) -> None:
        discord.answers.append((503, {}, b""))
        assert isinstance(tell(Occasion.SCHEDULED, "calendar", repeated=True), Again)
        assert [one.method for one in discord.got] == ["GET"]

    @pytest.mark.parametrize("description, told", [("", False), (" ", False), ("Today", True)])
    def test_an_empty_description_is_none(
        self, tell: Callable[..., Any], discord: Receiver, description: str, told: bool
    ) -> None:
        story = sample(Occasion.SCHEDULED).model_copy(update={"description": description})
        tell(Occasion.SCHEDULED, "calendar", story=story)
        tell(Occasion.MOVED, "calendar", "5", story=story)
        made, changed = (one.json for one in discord.got)
        assert ("description" in made) is told
        # Also where there was one before.
        assert changed["description"] == (description if told else None)

    @pytest.mark.parametrize(
        "occasion, status, kind, more",
        [
            (Occasion.ENDED, 1, Sent, ["PATCH"]),
            (Occasion.ENDED, 3, Sent, []),
            (Occasion.ENDED, 4, Sent, []),
            (Occasion.LIVE, 2, Sent, []),
            (Occasion.LIVE, 3, Dead, []),
        ],
    )
    def test_an_entry_that_cannot_take_a_status_is_looked_at(
        self, tell: Callable[..., Any], discord: Receiver, occasion: Occasion, status: int, kind: type, more: list[str]
    ) -> None:
        discord.answers.append((400, {}, b'{"code": 50035}'))
        discord.answers.append((200, {}, json.dumps({"id": "5", "status": status}).encode()))
        assert isinstance(tell(occasion, "calendar", "5"), kind)
        assert [one.method for one in discord.got] == ["PATCH", "GET", *more]
        if more:
            # Never started: it was cancelled, not completed.
            assert discord.got[-1].json == {"status": 4}

    def test_a_stage_has_a_topic_while_it_is_live(self, tell: Callable[..., Any], discord: Receiver) -> None:
        opened = tell(Occasion.LIVE, "stage")
        discord.answers.append((204, {}, b""))
        tell(Occasion.ENDED, "stage", opened.receipt)
        assert [one.method for one in discord.got] == ["POST", "DELETE"]
        assert discord.got[0].json["topic"] == "Open bell with Jo"

    def test_a_stage_that_a_moderator_had_opened_is_named_and_stays_open(
        self, tell: Callable[..., Any], discord: Receiver
    ) -> None:
        discord.answers.append((400, {}, b'{"code": 150006}'))
        opened = tell(Occasion.LIVE, "stage")
        assert opened == Sent(200)
        assert [one.method for one in discord.got] == ["POST", "PATCH"]
        assert discord.got[1].json == {"topic": "Open bell with Jo"}
        assert tell(Occasion.ENDED, "stage", opened.receipt) == "the stage was not opened here"
        assert len(discord.got) == 2

    def test_a_stage_that_cannot_be_opened_is_not_named(self, tell: Callable[..., Any], discord: Receiver) -> None:
        discord.answers.append((400, {}, b'{"code": 50035}'))
        assert isinstance(tell(Occasion.LIVE, "stage"), Dead)
        assert len(discord.got) == 1

    @pytest.mark.parametrize(
        "topic, methods", [("Open bell with Jo", ["POST", "GET"]), ("Chat", ["POST", "GET", "PATCH"])]
    )
    def test_a_stage_that_an_attempt_before_had_opened_is_ours(
        self, tell: Callable[..., Any], discord: Receiver, topic: str, methods: list[str]
    ) -> None:
        discord.answers.append((400, {}, b'{"code": 150006}'))
        discord.answers.append((200, {}, json.dumps({"id": "7", "topic": topic}).encode()))
        assert tell(Occasion.LIVE, "stage", repeated=True) == Sent(200, "7" if len(methods) == 2 else None)
        assert [one.method for one in discord.got] == methods

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("part", ["calendar", "stage"])
    def test_a_bot_that_may_not_does_not_break_the_posts(
        self, tell: Callable[..., Any], discord: Receiver, part: str, status: int
    ) -> None:
        discord.always = (status, {}, b"{}")
        occasion = Occasion.LIVE if part == "stage" else Occasion.SCHEDULED
        assert tell(occasion, part) == Dead(f"HTTP {status}", status)

    def test_a_bot_without_its_credential_does_not_break_the_posts(
        self, tell: Callable[..., Any], keep_secret: Callable[[str, str], None]
    ) -> None:
        keep_secret("bot", "")
        assert tell(Occasion.LIVE, "stage") == Dead("the credential bot is not there, or is not one line")
