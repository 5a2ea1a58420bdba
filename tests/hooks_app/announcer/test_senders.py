"""Does each kind of place get what it can read, and can it tell that it is from us?"""

from __future__ import annotations

import email
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from ipaddress import ip_network
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from headend.announcing.defaults import default_templates
from headend.announcing.occasion import Occasion
from headend.announcing.payload import Payload
from headend.announcing.words import Words
from headend.model.announcements import Announcements, Destination, Outbound
from headend.model.facts import AnnouncementFacts
from headend.own_words import sample
from hooks_app.announcer.delivery import Delivery
from hooks_app.announcer.message import Message
from hooks_app.clock import SystemClock
from hooks_app.outbound import Guard
from hooks_app.senders import apprise_sender, mail
from hooks_app.senders.outcome import Again, Broken, Dead, Sent, Unknown
from tests.hooks_app.announcer.conftest import SIGNING_KEY, destination
from tests.support.receiver import Receiver

LOOPBACK = (ip_network("127.0.0.0/8"),)
OTHER_KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoyMzQ1Njc="


def message(occasion: Occasion = Occasion.LIVE, **more: Any) -> Message:
    known = {
        "id": 1,
        "uid": "msg_0123456789abcdef",
        "destination": "site",
        "part": "post",
        "occasion": occasion,
        "story": sample(occasion),
        "made_at": datetime(2026, 12, 1, 19, 0, 1, tzinfo=UTC),
        "attempts": 1,
        "repeated": False,
    }
    return Message(**{**known, **more})


def delivery(*places: Destination, allow: tuple[str, ...] = ("127.0.0.0/8",), api: str = "") -> Delivery:
    settings = Announcements(destinations=places, outbound=Outbound(allow=allow, apprise_schemes=("json", "ntfy")))
    facts = AnnouncementFacts(
        settings=settings, templates={**default_templates()}, discord_api=api or "https://x.invalid"
    )
    return Delivery(facts, SystemClock())


class TestSignedWebhooks:
    @pytest.fixture
    def sent(self, discord: Receiver, keep_secret: Callable[[str, str], None]) -> Callable[..., Any]:
        keep_secret("site", SIGNING_KEY)
        keep_secret("before", OTHER_KEY)

        def send(occasion: Occasion = Occasion.LIVE, **more: Any) -> Any:
            url = f"http://127.0.0.1:{discord.port}/hooks/live"
            return delivery(destination("site", "webhook", url=url, **more)).send(message(occasion))

        return send

    def test_the_reference_library_verifies_ours(self, sent: Callable[..., Any], discord: Receiver) -> None:
        assert isinstance(sent(), Sent)
        (got,) = discord.got
        assert Webhook(SIGNING_KEY).verify(got.body, got.headers)["type"] == "stream.live"
        with pytest.raises(WebhookVerificationError):
            Webhook(OTHER_KEY).verify(got.body, got.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING_KEY).verify(got.body + b" ", got.headers)

    def test_while_a_key_is_rotated_both_verify(self, sent: Callable[..., Any], discord: Receiver) -> None:
        sent(secret_before="before")
        (got,) = discord.got
        for key in (SIGNING_KEY, OTHER_KEY):
            assert Webhook(key).verify(got.body, got.headers)

    @pytest.mark.parametrize("occasion", Occasion)
    def test_the_payload_is_of_the_published_schema(
        self, sent: Callable[..., Any], discord: Receiver, occasion: Occasion
    ) -> None:
        sent(occasion)
        payload = Payload.model_validate(discord.got[0].json, strict=False)
        assert (payload.version, payload.id) == (1, "msg_0123456789abcdef")
        assert set(payload.texts) == {"linkedin", "facebook", "tiktok", "youtube"}
        assert all(text.body for text in payload.texts.values())

    def test_a_key_that_is_none_is_the_place_s_fault(
        self, sent: Callable[..., Any], keep_secret: Callable[[str, str], None]
    ) -> None:
        keep_secret("site", "whsec_short")
        assert isinstance(sent(), Broken)


class Box:
    """What an SMTP server got; refuses with `refusal` if there is one."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refusal = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        parsed = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.rcpt_tos, parsed))  # type: ignore[arg-type]
        return "250 OK"


class TestMail:
    @pytest.fixture
    def box(self) -> Box:
        return Box()

    @pytest.fixture
    def place(self, box: Box) -> Iterator[Destination]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Controller(box, hostname="127.0.0.1", port=port)
        controller.start()
        yield destination(
            "list",
            "email",
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
            mail_from="live@example.org",
            mail_to=("viewers@example.org",),
            unsubscribe="https://example.org/unsubscribe",
        )
        controller.stop()

    def test_a_real_server_receives_a_whole_message(self, place: Destination, box: Box) -> None:
        assert isinstance(delivery(place).send(message(destination="list")), Sent)
        ((to, got),) = box.mails
        assert to == ["viewers@example.org"]
        assert got["Subject"] == "Open bell with Jo is live"
        assert got["Message-ID"] == "<msg_0123456789abcdef@example.org>"
        assert got["List-Unsubscribe"] == "<https://example.org/unsubscribe>"
        assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert got["Auto-Submitted"] == "auto-generated"
        assert got.get_content_type() == "multipart/alternative"
        plain, html = (got.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None
        assert html is not None
        assert "https://live.example.org/watch/coffee-and-stocks" in plain.get_content()
        assert '<a href="https://live.example.org/watch/coffee-and-stocks">' in html.get_content()

    def test_people_do_not_see_each_other(self, place: Destination, box: Box) -> None:
        people = ("ann@example.org", "bob@example.org")
        delivery(place.model_copy(update={"mail_to": people})).send(message(destination="list"))
        ((to, got),) = box.mails
        assert to == list(people)
        assert got["To"] == "live@example.org"
        assert not any(name in got.as_string() for name in people)

    @pytest.mark.parametrize("refusal, kind", [("450 later", Again), ("550 nobody", Dead)])
    def test_what_the_server_says_counts(self, place: Destination, box: Box, refusal: str, kind: type) -> None:
        box.refusal = refusal
        assert isinstance(delivery(place).send(message(destination="list")), kind)

    def test_a_server_without_starttls_is_not_told_in_the_clear(self, place: Destination, box: Box) -> None:
        outcome = delivery(place.model_copy(update={"smtp_security": "starttls"})).send(message(destination="list"))
        assert isinstance(outcome, Broken)
        assert box.mails == []

    def test_the_guard_stands_before_mail_too(self, place: Destination, box: Box) -> None:
        assert isinstance(delivery(place, allow=()).send(message(destination="list")), Broken)
        assert box.mails == []

    def test_html_of_a_title_is_text(self) -> None:
        words = Words("<b>now</b>", "a <script> & https://example.org/?a=1&b=2")
        html = mail.html(words, message())
        assert "<h1>&lt;b&gt;now&lt;/b&gt;</h1>" in html
        assert '<a href="https://example.org/?a=1&amp;b=2">' in html
        assert "<script>" not in html

    def test_nobody_there_is_tried_again(self) -> None:
        place = destination("list", "email", smtp_host="127.0.0.1", smtp_port=9, mail_from="a@b.c", mail_to=("d@e.f",))
        assert isinstance(delivery(place).send(message(destination="list")), Again)
        with pytest.raises(Exception, match="smtp_host"):
            mail.send(Guard(), place.model_copy(update={"smtp_host": None}), None, message(), Words("a", "b"))


class TestApprise:
    WORDS = Words("Open bell is live", "We are live: https://live.example.org")

    def test_a_service_is_told(self, discord: Receiver) -> None:
        outcome = apprise_sender.send(f"json://127.0.0.1:{discord.port}/x", self.WORDS, ("json",), LOOPBACK)
        assert isinstance(outcome, Sent)
        assert discord.got[0].json["title"] == "Open bell is live"

    def test_no_connection_to_where_the_guard_does_not_let_it(self, discord: Receiver) -> None:
        outcome = apprise_sender.send(f"json://127.0.0.1:{discord.port}/x", self.WORDS, ("json",), ())
        assert isinstance(outcome, Broken)
        assert discord.got == []

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "syslog://", "dbus://", "nonsense", "JSONS://x"])
    def test_a_scheme_that_is_not_listed_is_not_loaded(self, url: str) -> None:
        assert isinstance(apprise_sender.send(url, self.WORDS, ("json",), LOOPBACK), Broken)

    def test_a_service_that_fails_is_tried_again(self, discord: Receiver) -> None:
        discord.always = (500, {}, b"")
        outcome = apprise_sender.send(f"json://127.0.0.1:{discord.port}/x", self.WORDS, ("json",), LOOPBACK)
        assert isinstance(outcome, Again)


class TestDiscordBot:
    @pytest.fixture
    def tell(self, discord: Receiver, keep_secret: Callable[[str, str], None]) -> Callable[..., Any]:
        keep_secret("bot", "BOT-TOKEN")
        place = destination(bot_secret="bot", guild_id="1" * 18, stage_channel_id="2" * 18)
        teller = delivery(place, api=f"http://127.0.0.1:{discord.port}/api/v10")

        def send(occasion: Occasion, part: str, earlier: str | None = None, *, repeated: bool = False) -> Any:
            said = message(occasion, destination="chat", part=part, earlier=earlier, repeated=repeated)
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

    def test_a_stage_has_a_topic_while_it_is_live(self, tell: Callable[..., Any], discord: Receiver) -> None:
        tell(Occasion.LIVE, "stage")
        discord.answers.append((204, {}, b""))
        tell(Occasion.ENDED, "stage")
        assert [one.method for one in discord.got] == ["POST", "DELETE"]
        assert discord.got[0].json["topic"] == "Open bell with Jo"

    def test_a_stage_that_an_attempt_before_had_opened_is_only_named(
        self, tell: Callable[..., Any], discord: Receiver
    ) -> None:
        discord.answers.append((400, {}, b'{"code": 150006}'))
        assert isinstance(tell(Occasion.LIVE, "stage", repeated=True), Sent)
        assert [one.method for one in discord.got] == ["POST", "PATCH"]


def test_a_webhook_of_unknown_outcome_is_sent_again_and_a_post_is_not(
    discord: Receiver, keep_secret: Callable[[str, str], None]
) -> None:
    keep_secret("site", SIGNING_KEY)
    keep_secret("chat", discord.url)
    discord.always = lambda handler: handler.connection.close()
    url = f"http://127.0.0.1:{discord.port}/hooks/live"
    teller = delivery(destination("site", "webhook", url=url), destination())
    assert teller.send(message()) == Unknown("the connection broke before the answer", again=True)
    assert teller.send(message(destination="chat")) == Unknown("the connection broke before the answer", again=False)


def test_no_outcome_has_the_secret(discord: Receiver, keep_secret: Callable[[str, str], None]) -> None:
    keep_secret("chat", discord.url.replace("127.0.0.1", "127.0.0.2").replace("/api", "\x00/api"))
    for port in (discord.port, 9):
        keep_secret("chat", f"http://127.0.0.1:{port}/api/webhooks/1/CANARY-SECRET")
        discord.always = (500, {}, b"CANARY-SECRET")
        assert "CANARY" not in str(delivery(destination()).send(message(destination="chat")))
