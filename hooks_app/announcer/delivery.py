"""One attempt with one message: is it still true, what are the words, what did the place say."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import structlog

from headend.announcing.channel import Channel
from headend.announcing.occasion import Occasion
from headend.announcing.payload import payload_of
from headend.announcing.words import Words, WordsError, say
from headend.model.announcements import Destination
from headend.model.facts import AnnouncementFacts
from hooks_app.announcer.message import Message
from hooks_app.clock import Clock
from hooks_app.outbound import Guard, NotSentError, Outbound, RefusedError, UnknownOutcomeError
from hooks_app.senders import apprise_sender, discord, mail, signed_webhook
from hooks_app.senders.discord_bot import Bot
from hooks_app.senders.outcome import Again, Broken, Dead, Outcome, Unknown
from hooks_app.senders.secret import SecretError, secret

log = structlog.get_logger(__name__)


class Delivery:
    """Sends messages to the declared destinations."""

    def __init__(self, facts: AnnouncementFacts, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._places = {place.name: place for place in facts.settings.destinations}
        self._listed = tuple(ip_network(text) for text in facts.settings.outbound.allow)
        self._outbound = Outbound(Guard(self._listed))

    @property
    def is_dry(self) -> bool:
        """Whether nothing is really sent."""
        return self._facts.settings.mode == "dry_run"

    def idle(self, message: Message) -> str:
        """Why there is nothing to send, in words; empty where there is."""
        place = self._places[message.destination]
        if message.part == "calendar":
            changes = message.occasion in {Occasion.LIVE, Occasion.ENDED, Occasion.CANCELLED}
            return "there is no entry in the calendar" if changes and message.earlier is None else ""
        if message.part == "stage":
            closes = message.occasion is Occasion.ENDED
            return "the stage was not opened here" if closes and message.earlier is None else ""
        if message.part == "post" and place.kind == "discord" and message.occasion is Occasion.ENDED:
            only_edits = message.occasion.value not in place.occasions
            return "there is no post to change" if only_edits and message.earlier is None else ""
        return ""

    def send(self, message: Message) -> Outcome:
        """Attempt it. Whatever goes wrong is an outcome."""
        outcome = self._attempt(self._places[message.destination], message)
        if isinstance(outcome, Broken) and message.part != "post":
            # It is the bot that may not, or is not there; the posts of the same destination go by another secret.
            return Dead(outcome.reason, outcome.status)
        return outcome

    def _attempt(self, place: Destination, message: Message) -> Outcome:
        try:
            return self._send(place, message)
        except (SecretError, RefusedError) as error:
            return Broken(str(error))
        except WordsError as error:
            return Dead(f"the template of {place.kind} for {message.occasion.value}: {error}")
        except NotSentError as error:
            return Again(str(error))
        except UnknownOutcomeError as error:
            # People would read it twice; a receiver of webhooks tells a repetition by its id.
            return Unknown(str(error), again=place.kind == "webhook" or message.part != "post")
        except Exception as error:
            # One message must not end the process, to begin again with the next. What the exception says may be secret.
            log.error("sender failed", message=message.id, destination=place.name, error=type(error).__name__)
            return Dead(f"sending it failed: {type(error).__name__}")

    def _send(self, place: Destination, message: Message) -> Outcome:
        if message.part != "post":
            bot = Bot(self._outbound, self._facts.discord_api, secret(place.bot_secret or ""))
            if message.part == "stage":
                return bot.stage(message, place.stage_channel_id or "")
            return bot.calendar(message, place.guild_id or "")
        if place.kind == "webhook":
            return self._webhook(place, message)
        words = say(self._facts.templates, Channel(place.kind), message.occasion, message.story)
        if words is None:
            return Dead("there is no template for it")
        return self._said(place, message, words)

    def _said(self, place: Destination, message: Message, words: Words) -> Outcome:
        if place.kind == "discord":
            return discord.send(self._outbound, secret(place.secret or ""), message, words)
        if place.kind == "email":
            password = secret(place.secret or "") if place.smtp_user else None
            return mail.send(self._outbound.guard, place, password, message, words)
        settings = self._facts.settings.outbound
        return apprise_sender.send(secret(place.secret or ""), words, settings.apprise_schemes, self._listed)

    def _webhook(self, place: Destination, message: Message) -> Outcome:
        payload = payload_of(
            self._facts.templates,
            message.occasion,
            message.story,
            uid=message.uid,
            made_at=message.made_at,
            repeated=message.repeated,
        )
        if payload is None:
            return Dead("there is no template for it")
        names: Sequence[str | None] = (place.secret, place.secret_before)
        keys = [secret(name) for name in names if name is not None]
        return signed_webhook.send(self._outbound, place.url or "", keys, payload, self._clock.now())
