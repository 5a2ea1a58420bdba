"""What a signed webhook carries: JSON, versioned; its schema is docs/webhook.schema.json."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from headend.announcing.channel import SOCIAL, Channel
from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from headend.announcing.words import Templates, Words, say
from headend.model.base import Model


class Text(Model):
    """Words that are ready to be posted."""

    title: str
    """One line."""
    body: str
    """Some lines, plain text."""


class Payload(Model):
    """An announcement. Fields may be added within a version; none is taken away or changes its meaning."""

    version: Literal[1] = 1
    """Of this format."""
    type: str
    """stream. and the occasion: scheduled, moved, cancelled, countdown, live, interrupted, resumed, ended, recap or
    digest."""
    id: str
    """The same as the header webhook-id, and at every attempt: what has been seen before may be thrown away."""
    timestamp: datetime
    """When it was told; RFC 3339, UTC."""
    repeated: bool
    """An attempt before this one may have arrived."""
    data: Story
    """The broadcast, as it was then."""
    starts: str
    """The start in the site's words and zone: Tue 1 Dec, 20:00 CET."""
    duration: str
    """How long it was, or is planned to be: 1 h 5 min."""
    text: Text
    """For wherever there is room."""
    texts: dict[Literal["linkedin", "facebook", "tiktok", "youtube"], Text] = Field(default_factory=dict)
    """For places without an API that a key alone opens, in their lengths."""


def payload_of(
    templates: Templates, occasion: Occasion, story: Story, *, uid: str, made_at: datetime, repeated: bool
) -> Payload | None:
    """The payload; None where nothing is to be said. Raises WordsError."""
    words = say(templates, Channel.WEBHOOK, occasion, story)
    if words is None:
        return None
    social = {channel.value: say(templates, channel, occasion, story) for channel in SOCIAL}
    return Payload.model_validate(
        {
            "type": f"stream.{occasion.value}",
            "id": uid,
            "timestamp": made_at,
            "repeated": repeated,
            "data": story,
            "starts": story.starts,
            "duration": story.duration,
            "text": _text(words),
            "texts": {name: _text(said) for name, said in social.items() if said is not None},
        }
    )


def _text(words: Words) -> Text:
    return Text(title=words.title, body=words.body)
