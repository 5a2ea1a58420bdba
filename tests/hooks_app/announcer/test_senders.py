"""Does each kind of place get what it can read, and can it tell that it is from us?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from headend.announcing.occasion import Occasion
from headend.announcing.payload import Payload
from hooks_app.senders.outcome import Broken, Dead, Sent, Unknown
from tests.hooks_app.announcer.conftest import SIGNING_KEY, destination
from tests.hooks_app.announcer.sending import delivery, message
from tests.support.receiver import Receiver

OTHER_KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoyMzQ1Njc="


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


def test_a_sender_that_fails_in_a_way_nobody_foresaw_ends_the_message_and_nothing_else(
    discord: Receiver, keep_secret: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError("CANARY-SECRET")

    keep_secret("chat", discord.url)
    monkeypatch.setattr("hooks_app.senders.discord.payload", fails)
    assert delivery(destination()).send(message(destination="chat")) == Dead("sending it failed: ZeroDivisionError")


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
