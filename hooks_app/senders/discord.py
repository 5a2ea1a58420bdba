"""Discord, by webhook: an embed, which becomes one of the past when the broadcast ends.

Source: discord.com/developers/docs/resources/webhook, topics/rate-limits.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from headend.announcing.occasion import Occasion
from headend.announcing.words import Words
from hooks_app.announcer.message import Message
from hooks_app.outbound import Answer, Outbound
from hooks_app.senders.http import outcome_of
from hooks_app.senders.outcome import Again, Dead, Outcome

LIVE_COLOUR, OVER_COLOUR, PLAIN_COLOUR = 0xE01B24, 0x5E5C64, 0x3584E4
Kind = TypeVar("Kind", dict[str, Any], list[Any])
UNKNOWN_MESSAGE = 10008
"""The post is gone, the webhook is not."""


def send(outbound: Outbound, url: str, message: Message, words: Words) -> Outcome:
    """Post, or change the post that said that it is live. Raises what `Outbound.send` raises."""
    body = json.dumps(payload(message, words)).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "Headend (webhook, 1)"}
    if message.occasion is Occasion.ENDED and message.earlier is not None:
        answer = outbound.send("PATCH", address(url, f"/messages/{message.earlier}"), body, headers)
        if answer.status == 404 and field(answer, "code") == UNKNOWN_MESSAGE:
            return Dead("somebody has deleted the post", 404)
    else:
        # With wait=true the answer comes when the post is there, and names it.
        answer = outbound.send("POST", address(url, "", wait="true"), body, headers)
    return judged(answer)


def judged(answer: Answer) -> Outcome:
    """What Discord's answer means."""
    number = field(answer, "id")
    receipt = str(number) if isinstance(number, str | int) and str(number).isascii() and str(number).isdigit() else None
    everywhere = answer.headers.get("x-ratelimit-global", "").lower() == "true" or field(answer, "global") is True
    outcome = outcome_of(answer, receipt=receipt, everywhere=everywhere)
    said = field(answer, "retry_after")
    if isinstance(outcome, Again) and outcome.status == 429 and isinstance(said, int | float):
        # The body is more exact than the header; of the two the longer.
        after = max(outcome.after_seconds or 0.0, min(float(said), 86_400.0))
        return Again(outcome.reason, outcome.status, after, outcome.everywhere)
    return outcome


def payload(message: Message, words: Words) -> dict[str, Any]:
    """The JSON of a post. Nobody is mentioned, whatever a title says."""
    story = message.story
    fields = []
    if story.starts and message.occasion in {Occasion.SCHEDULED, Occasion.MOVED, Occasion.COUNTDOWN}:
        fields.append(
            {"name": "Starts", "value": f"{story.starts_discord} ({story.starts_in_discord})", "inline": True}
        )
    if story.duration:
        fields.append({"name": "Duration", "value": story.duration, "inline": True})
    embed: dict[str, Any] = {
        "title": words.title,
        "url": story.live_url,
        "description": words.body,
        "color": _colour(message.occasion),
        "fields": fields,
        "timestamp": message.made_at.isoformat(),
    }
    if story.poster_url:
        embed["image"] = {"url": story.poster_url}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def address(url: str, more: str, **query: str) -> str:
    """A webhook's URL with more of a path; what its query says, such as thread_id, stays."""
    parts = urlsplit(url)
    asked = urlencode([*parse_qsl(parts.query), *query.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + more, asked, ""))


def _colour(occasion: Occasion) -> int:
    if occasion in {Occasion.LIVE, Occasion.RESUMED}:
        return LIVE_COLOUR
    return OVER_COLOUR if occasion in {Occasion.ENDED, Occasion.CANCELLED} else PLAIN_COLOUR


def field(answer: Answer, name: str) -> object:
    """A field of an answer; None where it has none."""
    return read(answer, dict).get(name)


def read(answer: Answer, kind: type[Kind]) -> Kind:
    """What an answer is, an object or a list; an empty one where it is something else."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        return kind()
    return said if isinstance(said, kind) else kind()
