"""A message on its way, and what sends it to the places that a test declares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headend.announcing.defaults import default_templates
from headend.announcing.occasion import Occasion
from headend.model.announcements import Announcements, Destination, Outbound
from headend.model.facts import AnnouncementFacts
from headend.own_words import sample
from hooks_app.announcer.delivery import Delivery
from hooks_app.announcer.message import Message
from hooks_app.clock import SystemClock


def message(occasion: Occasion = Occasion.LIVE, **more: Any) -> Message:
    """A message of a made-up broadcast."""
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
    """What sends to these places, with the words that Headend brings."""
    settings = Announcements(destinations=places, outbound=Outbound(allow=allow, apprise_schemes=("json", "ntfy")))
    facts = AnnouncementFacts(
        settings=settings, templates={**default_templates()}, discord_api=api or "https://x.invalid"
    )
    return Delivery(facts, SystemClock())
