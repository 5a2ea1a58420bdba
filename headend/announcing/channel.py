"""The kinds of places where something is said, and how much fits there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Channel(StrEnum):
    """A kind of place, each with words of its own."""

    DISCORD = "discord"
    EMAIL = "email"
    WEBHOOK = "webhook"
    APPRISE = "apprise"
    LINKEDIN = "linkedin"
    FACEBOOK = "facebook"
    TIKTOK = "tiktok"
    YOUTUBE = "youtube"


SOCIAL: Final = (Channel.LINKEDIN, Channel.FACEBOOK, Channel.TIKTOK, Channel.YOUTUBE)
"""Without an API that a key alone opens: a signed webhook carries their texts to whatever posts them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """In characters as the place counts them."""

    title: int
    body: int
    counted: str = "code points"
    """code points, or UTF-16 units where the place counts those."""

    def length(self, text: str) -> int:
        """How long the place calls a text."""
        return len(text.encode("utf-16-le")) // 2 if self.counted == "UTF-16 units" else len(text)


LIMITS: Final = MappingProxyType(
    {
        # Embed title and description; discord.com/developers/docs/resources/message#embed-object-embed-limits
        Channel.DISCORD: Limits(256, 4096),
        # RFC 5322 2.1.1 allows 998 in a line; mail programs show the first 60 to 100 of a subject.
        Channel.EMAIL: Limits(150, 20_000),
        Channel.WEBHOOK: Limits(256, 4096),
        # The least that its larger services take: 250 of a title, 1,500 of a text.
        Channel.APPRISE: Limits(250, 1500),
        Channel.LINKEDIN: Limits(200, 3000, "UTF-16 units"),
        Channel.FACEBOOK: Limits(200, 5000),
        # Captions of a video.
        Channel.TIKTOK: Limits(150, 2200, "UTF-16 units"),
        # Title and description of a video.
        Channel.YOUTUBE: Limits(100, 5000),
    }
)
