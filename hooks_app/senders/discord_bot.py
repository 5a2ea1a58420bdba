"""Discord, by a bot: a scheduled event of the server for each planned broadcast, and the topic of a stage.

Source: discord.com/developers/docs/resources/guild-scheduled-event, resources/stage-instance.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from hooks_app.announcer.message import Message
from hooks_app.outbound import Answer, Outbound
from hooks_app.senders.discord import field, judged, read
from hooks_app.senders.outcome import Dead, Outcome, Sent

EXTERNAL, GUILD_ONLY = 3, 2
PLANNED, ACTIVE, COMPLETED, CANCELLED = 1, 2, 3, 4
NAME, DESCRIPTION, LOCATION, TOPIC = 100, 1000, 100, 120
OPEN_END = timedelta(hours=2)
"""Discord wants an end; a broadcast without one gets this."""
GONE = frozenset({404, 410})
STAGE_IS_OPEN = 150006
"""Topics, opcodes and status codes: JSON error codes."""


class Bot:
    """Calls Discord's API with a bot's token."""

    def __init__(self, outbound: Outbound, api: str, token: str) -> None:
        self._outbound = outbound
        self._api = api
        self._token = token

    def calendar(self, message: Message, guild_id: str) -> Outcome:
        """Make, change or close the scheduled event. Raises what `Outbound.send` raises."""
        path, story, known = f"/guilds/{guild_id}/scheduled-events", message.story, message.earlier
        if known is None:
            return self._made(path, story, repeated=message.repeated)
        status = {Occasion.LIVE: ACTIVE, Occasion.ENDED: COMPLETED, Occasion.CANCELLED: CANCELLED}.get(message.occasion)
        if status is None:
            return self._kept(self._call("PATCH", f"{path}/{known}", {"description": None, **entry(story)}), known)
        answer = self._call("PATCH", f"{path}/{known}", {"status": status})
        return self._turned(f"{path}/{known}", status, known) if answer.status == 400 else self._kept(answer, known)

    def stage(self, message: Message, channel_id: str) -> Outcome:
        """Open the stage with a topic, or close it. Raises what `Outbound.send` raises.

        The receipt says that it was opened here; a stage that somebody else has opened has none, and stays open.
        """
        path = f"/stage-instances/{channel_id}"
        if message.occasion is Occasion.ENDED:
            answer = self._call("DELETE", path, None)
            # Somebody has closed it already.
            return Sent(answer.status) if answer.status in GONE else judged(answer)
        topic = message.story.title[:TOPIC]
        known = {"channel_id": channel_id, "topic": topic, "privacy_level": GUILD_ONLY}
        answer = self._call("POST", "/stage-instances", known)
        if answer.status != 400 or field(answer, "code") != STAGE_IS_OPEN:
            return judged(answer)
        if message.repeated:
            found = self._call("GET", path, None)
            if found.status == 200 and field(found, "topic") == topic:
                # The attempt before this one arrived.
                return judged(found)
        outcome = judged(self._call("PATCH", path, {"topic": topic}))
        return Sent(outcome.status) if isinstance(outcome, Sent) else outcome

    def _made(self, path: str, story: Story, *, repeated: bool) -> Outcome:
        if repeated:
            # An attempt before this one may have made it: an entry of that name and start is it.
            answer = self._call("GET", path, None)
            if answer.status != 200:
                return judged(answer)
            for one in read(answer, list):
                if isinstance(one, dict) and one.get("name") == story.title[:NAME] and _starts(one) == story.starts_at:
                    return Sent(200, str(one.get("id")))
        return self._kept(self._call("POST", path, entry(story)))

    def _turned(self, path: str, wanted: int, known: str) -> Outcome:
        """What becomes of an entry that cannot take the status: it may have it, be over, or never have started."""
        answer = self._call("GET", path, None)
        if answer.status != 200:
            return self._kept(answer, known)
        status = field(answer, "status")
        if status == wanted or (wanted == COMPLETED and status == CANCELLED):
            return Sent(200, known)
        if wanted == COMPLETED and status == PLANNED:
            # Only what was active can be completed.
            return self._kept(self._call("PATCH", path, {"status": CANCELLED}), known)
        return Dead("the entry in the calendar cannot change so any more", 400)

    def _kept(self, answer: Answer, known: str | None = None) -> Outcome:
        outcome = judged(answer)
        return Sent(outcome.status, known) if isinstance(outcome, Sent) and outcome.receipt is None else outcome

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
    text = story.description[:DESCRIPTION]
    return {
        "name": story.title[:NAME],
        # Discord takes none, but not an empty one.
        **({"description": text} if text.strip() else {}),
        "entity_type": EXTERNAL,
        "entity_metadata": {"location": story.live_url[:LOCATION]},
        "privacy_level": GUILD_ONLY,
        "scheduled_start_time": starts.isoformat() if starts else None,
        "scheduled_end_time": ends.isoformat() if ends else None,
    }


def _starts(one: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(one.get("scheduled_start_time")))
    except ValueError:
        return None
