"""What the audience may know: streams, sessions, events."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from hooks_app.api.answers import Document
from hooks_app.publisher import IngestProtocol
from hooks_app.states import State


class PublicSession(Document):
    """One on-air period; times are RFC 3339, UTC."""

    id: int
    """Ascending."""
    protocol: IngestProtocol
    """By which the publisher came, the last time."""
    started_at: datetime
    """When its publisher was let in."""
    live_at: datetime | None
    """When it was first playable."""
    ended_at: datetime | None
    """When it was over; null while it goes on, interrupted or not."""


class Fault(Document):
    """A caller that could not be carried."""

    at: datetime
    """When it was given up."""
    reason: str
    """A sentence for people, with the remedy."""


class Plan(Document):
    """What only those who may see it are shown of an event."""

    owner: str
    """Whose it is."""
    overlays: dict[str, str]
    """Texts for the picture, by name."""
    destinations: dict[str, bool]
    """Switches by the destination's name; one that is not named has its own default."""
    countdown_minutes: list[int] | None
    """How long before the start it is told; null: as the spec says."""
    reason: str | None
    """Why it ended: cancelled, missed, or as its last session did."""
    schedule_id: int | None
    """Of which schedule it was made."""
    occurrence: str | None
    """Which start of the schedule it is, local time."""
    version: int
    """Counts every change; also its ETag."""


class Announced(Document):
    """A message about an event."""

    message_id: int
    """Of GET /announcements/messages."""
    destination: str
    """Where."""
    occasion: str
    """Why: scheduled, countdown, live, ended, recap, …"""
    state: str
    """sent, queued, dead, dropped, …"""
    at: datetime
    """When it was sent or given up; of one that waits, when it is tried next."""


class Replay(Document):
    """Where a recording of an event is watched."""

    url: str
    """A video file, for any player."""
    until: datetime | None
    """How long the URL is good, at least a minute more; null: for good."""
    seconds: float | None
    """Playing time."""
    playlist: str | None
    """The ladder's own segments as HLS, where they were kept; null with presigned URLs, which hold for one file."""
    strip: str | None
    """A picture with many small ones, for seeking; good for as long as url."""
    index: str | None
    """Which of them belongs to which second, as WebVTT; likewise."""


class PublicEvent(Document):
    """A broadcast; times are RFC 3339, UTC."""

    id: int
    """Ascending."""
    slug: str
    """Of its stream."""
    title: str
    """What viewers read."""
    description: str
    """More of it; may be empty."""
    poster_url: str | None
    """A picture of its own; null: the stream's poster."""
    starts_at: datetime
    """Planned start; for an ad-hoc event, the real one."""
    ends_at: datetime | None
    """Planned end; null for an ad-hoc event that is on air."""
    state: State
    """scheduled, starting, live, interrupted, ended or archived."""
    since: datetime
    """When the state was entered."""
    ad_hoc: bool
    """Made by a publisher who came without a plan."""
    playlist: str | None
    """Master playlist; null if its stream is gone."""
    watch: str
    """The page that plays it."""
    recap_url: str | None
    """Where what was is to be seen; null before somebody said so."""
    replay: Replay | None = None
    """Where it is watched again, once it is archived: the first of `replays`. On its own page and its stream's only."""
    replays: list[Replay] = Field(default_factory=list)
    """All of it, in order: a long broadcast has several recordings, and so has one that came twice. Likewise."""
    plan: Plan | None
    """Only for a token that may see it."""
    announced: list[Announced] | None = None
    """Likewise, and only on the event's own page: what was told of it, the oldest first."""


class Stream(Document):
    """A stream as its audience may know it."""

    slug: str
    """Its public name."""
    title: str
    """What viewers read."""
    state: State
    """What it is now: offline, scheduled, starting, live, interrupted, ended or archived."""
    since: datetime | None
    """When the state was entered; null for a stream that was never on air and has nothing planned."""
    session: PublicSession | None
    """The session that is on air, or the last one."""
    event: PublicEvent | None
    """The event of that session."""
    next_event: PublicEvent | None
    """What is planned next."""
    fault: Fault | None
    """Why the last SRT caller could not be carried; null as soon as a publisher was let in after it."""
    playlist: str
    """Master playlist."""
    poster: str
    """A picture of what is or was on air."""
    watch: str
    """The page that plays it."""
    renditions: list[str]
    """Names, highest first."""


class Streams(Document):
    """Every stream of this origin."""

    streams: list[Stream]
    """In the order of the spec, then those made at run time."""


class OnAir(Document):
    """A stream that is on air: what an alert needs to append a link."""

    slug: str
    """Its public name."""
    title: str
    """Of its event, or of the stream."""
    state: State
    """live or interrupted."""
    live_at: datetime | None
    """Since when its session has been live."""
    event_id: int | None
    """Its event."""
    playlist: str
    """Master playlist."""
    watch: str
    """The page that plays it."""
    poster: str
    """A picture of what is on air."""


class Live(Document):
    """What is on air now."""

    live: list[OnAir]
    """Empty while nothing is."""
