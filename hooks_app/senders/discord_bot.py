"""Discord, by a bot: a scheduled event of the server for each planned broadcast, and the topic of a stage.

Source: discord.com/developers/docs/resources/guild-scheduled-event, resources/stage-instance.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from hooks_app.announcer.message import Message
from hooks_app.outbound import Answer, Outbound
from hooks_app.senders.discord import judged
from hooks_app.senders.outcome import Broken, Dead, Outcome, Sent

EXTERNAL, GUILD_ONLY = 3, 2
ACTIVE, COMPLETED, CANCELLED = 2, 3, 4
NAME, DESCRIPTION, LOCATION, TOPIC = 100, 1000, 100, 120
OPEN_END = timedelta(hours=2)
"""Discord wants an end; a broadcast without one gets this."""
GONE = frozenset({404, 410})


class Bot:
    """Calls Discord's API with a bot's token."""

    def __init__(self, outbound: Outbound, api: str, token: str) -> None:
        self._outbound = outbound
        self._api = api
        self._token = token

    def calendar(self, message: Message, guild_id: str) -> Outcome:
        """Make, change or close the scheduled event. Raises what `Outbound.send` raises."""
        path, story, known = f"/guilds/{guild_id}/scheduled-events", message.story, message.earlier
        status = {Occasion.LIVE: ACTIVE, Occasion.ENDED: COMPLETED, Occasion.CANCELLED: CANCELLED}.get(message.occasion)
        if known is None:
            return self._kept(self._call("POST", path, entry(story)))
        changes = entry(story) if status is None else {"status": status}
        return self._kept(self._call("PATCH", f"{path}/{known}", changes), known)

    def stage(self, message: Message, channel_id: str) -> Outcome:
        """Open the stage with a topic, or close it. Raises what `Outbound.send` raises."""
        if message.occasion is Occasion.ENDED:
            answer = self._call("DELETE", f"/stage-instances/{channel_id}", None)
            # Somebody has closed it already.
            return Sent(answer.status) if answer.status in GONE else self._kept(answer)
        topic = {"channel_id": channel_id, "topic": message.story.title[:TOPIC], "privacy_level": GUILD_ONLY}
        answer = self._call("POST", "/stage-instances", topic)
        if answer.status == 400 and message.repeated:
            # It is open: the attempt before this one arrived.
            answer = self._call("PATCH", f"/stage-instances/{channel_id}", {"topic": topic["topic"]})
        return self._kept(answer)

    def _kept(self, answer: Answer, known: str | None = None) -> Outcome:
        outcome = judged(answer)
        if isinstance(outcome, Broken) and outcome.status in GONE:
            # An entry that people have deleted; the webhook of the same destination works on.
            return Dead(outcome.reason, outcome.status)
        if isinstance(outcome, Sent) and outcome.receipt is None:
            return Sent(outcome.status, known)
        return outcome

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        headers = {
            "Authorization": f"Bot {self._token}",
            "Content-Type": "application/json",
            "User-Agent": "DiscordBot (headend, 1)",
        }
        return self._outbound.send(method, self._api + path, json.dumps(body).encode() if body else b"", headers)


def entry(story: Story) -> dict[str, Any]:
    """A scheduled event that takes place elsewhere: at the watch page."""
    starts = story.starts_at
    ends = story.ends_at or (starts + OPEN_END if starts else None)
    return {
        "name": story.title[:NAME],
        "description": story.description[:DESCRIPTION],
        "entity_type": EXTERNAL,
        "entity_metadata": {"location": story.live_url[:LOCATION]},
        "privacy_level": GUILD_ONLY,
        "scheduled_start_time": starts.isoformat() if starts else None,
        "scheduled_end_time": ends.isoformat() if ends else None,
    }
