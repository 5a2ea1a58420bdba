"""The tables of the state database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from hooks_app.table_base import Base


class OwnerRow(Base):
    """Whom streams belong to. A token with an owner sees and touches nothing of another one."""

    __tablename__ = "owner"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class StreamRow(Base):
    """A stream: one that the spec declares, or one that was made at run time on a declared ladder."""

    __tablename__ = "stream"

    slug: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    ladder: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(ForeignKey("owner.name"), index=True)
    declared: Mapped[bool] = mapped_column(server_default=true())
    """By the spec, which is read at every start and wins."""
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    """It left the spec, or was removed through the API. Its history stays."""


class StreamKeyRow(Base):
    """A stream key: public id, SHA-256 of the secret, never the secret."""

    __tablename__ = "stream_key"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), index=True)
    label: Mapped[str] = mapped_column(String(80))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """In whole seconds; the last at which it admits anybody."""
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """When it last let a publisher in."""
    gate: Mapped[str] = mapped_column(String(8), server_default="always")
    """always, or events: only within the window of an event of its stream, and its lead time."""
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"))
    """Where the key is for one event only."""
    owner: Mapped[str | None] = mapped_column(ForeignKey("owner.name"))
    """Whose the stream was when it was made; None: nobody else's before."""


class ScheduleRow(Base):
    """When a stream is to be on air: once, or by a rule. Its events are made ahead of time (hooks_app/schedules.py)."""

    __tablename__ = "schedule"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40), index=True)
    owner: Mapped[str] = mapped_column(ForeignKey("owner.name"))
    title: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(4000), server_default="")
    poster_url: Mapped[str | None] = mapped_column(String(500))
    overlays: Mapped[dict[str, Any]]
    """Texts by name, e.g. {"lower_third": "Jo, trader"}."""
    destinations: Mapped[dict[str, bool]]
    """Switches by the destination's name; one that is not named has its own default."""
    starts_local: Mapped[str] = mapped_column(String(19))
    """First start as people of that zone read it, YYYY-MM-DDTHH:MM:SS."""
    time_zone: Mapped[str] = mapped_column(String(64))
    """IANA name."""
    duration_seconds: Mapped[int]
    rrule: Mapped[str | None] = mapped_column(String(500))
    """RFC 5545 section 3.3.10, without the RRULE: in front; None for once."""
    exceptions: Mapped[list[str]]
    """Starts that are left out, in the form of starts_local."""
    countdown_minutes: Mapped[list[int] | None]
    """How long before each start it is told; None: as the spec says."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")


class EventRow(Base):
    """One broadcast on a stream, planned or made by a publisher who came without one."""

    __tablename__ = "event"
    __table_args__ = (
        # However often it is planned, and by however many hosts: one event for each occurrence.
        UniqueConstraint("schedule_id", "occurrence", name="one_event_per_occurrence"),
        Index("events_of_stream", "slug", "starts_at"),
        Index("events_by_state", "state", "starts_at"),
        # SQLite would use a number again after the newest event was removed: calendars, histories and requests would
        # take another broadcast for it.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(ForeignKey("owner.name"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(4000), server_default="")
    poster_url: Mapped[str | None] = mapped_column(String(500))
    overlays: Mapped[dict[str, Any]]
    destinations: Mapped[dict[str, bool]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    """End of the window; None for an event that a publisher made: it lasts as long as the session."""
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    """When the state was entered."""
    reason: Mapped[str | None] = mapped_column(String(80))
    """Why it ended: cancelled, missed, or as its last session did."""
    ad_hoc: Mapped[bool] = mapped_column(server_default=false())
    """Made by a publish, not planned."""
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedule.id"))
    occurrence: Mapped[str | None] = mapped_column(String(19))
    """Which start of the schedule it is, in the form of starts_local; stays when the event is moved.

    None, too, once the schedule does not want that start any more: it may want it again, as another event.
    """
    edited: Mapped[bool] = mapped_column(server_default=false())
    """By hand: a change of its schedule leaves it alone."""
    recap_url: Mapped[str | None] = mapped_column(String(500))
    """Where what was is to be seen."""
    countdown_minutes: Mapped[list[int] | None]
    """How long before the start it is told; None: as the spec says."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(server_default="1")


class DestinationRow(Base):
    """A name by which events say where they go. Only those of the spec are told by this origin."""

    __tablename__ = "destination"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    owner: Mapped[str] = mapped_column(ForeignKey("owner.name"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    settings: Mapped[dict[str, Any]]
    """Nothing secret: a secret is a credential of the host, and here is only its name."""
    enabled: Mapped[bool] = mapped_column(server_default=true())
    """Whether events that do not say otherwise go there."""
    declared: Mapped[bool] = mapped_column(server_default=false())
    """By the spec, which is read at every start and wins."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(server_default="1")


class SessionRow(Base):
    """One on-air period of a stream. A row that ended without `admitted_at` was an attempt, never on air."""

    __tablename__ = "session"
    __table_args__ = (
        # Whatever crashes or races, a stream has at most one session that is not over.
        Index(
            "one_open_session",
            "slug",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("latest_session", "slug", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str | None] = mapped_column(ForeignKey("owner.name"), index=True)
    """Whose the stream was when it began; None for sessions older than this column."""
    client_id: Mapped[int] = mapped_column(BigInteger)
    """nginx's connection number of the publisher; unique until nginx's master starts anew."""
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    """When the state was entered."""
    started_at: Mapped[datetime]
    admitted_at: Mapped[datetime | None]
    live_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(80))
    """Why it ended, or why its publisher was lost."""
    protocol: Mapped[str] = mapped_column(String(8), server_default="rtmp")
    """rtmp or srt."""
    key_id: Mapped[str | None] = mapped_column(String(16))
    """By which key the publisher came in; unknown for one that was found on air."""
    peer: Mapped[str | None] = mapped_column(String(64))
    """The publisher's address; for SRT with the port."""
    mode: Mapped[str | None] = mapped_column(String(16))
    """SRT only: encrypted or signed."""
    nonce: Mapped[str | None] = mapped_column(String(32))
    """Of the signed stream id by which the publisher came in last."""
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"), index=True)
    host: Mapped[str] = mapped_column(String(64), server_default="")
    """The app host whose nginx has the publisher; empty for sessions older than this column."""
    codecs: Mapped[dict[str, Any] | None]
    """What the publisher sends: video, audio, width, height, frame_rate; None until the stat page says."""
    publisher_lost_at: Mapped[datetime | None]
    """Since when there has been no publisher; the reconnect grace counts from here."""
    publisher_lost_monotonic: Mapped[float | None]
    interruptions: Mapped[int] = mapped_column(server_default="0")
    """How often live was withdrawn."""
    segments_before: Mapped[list[str] | None]
    """The newest segment of each rendition when the publisher was let in; another one proves that it is playable."""
    boot_id: Mapped[str | None] = mapped_column(String(36))
    """Within one boot of the host the monotonic times compare, and no clock step spoils a duration."""
    started_monotonic: Mapped[float | None]
    ended_monotonic: Mapped[float | None]
    peak_viewers: Mapped[int | None]
    """Most viewers at a time, as whoever counts them said; None where nobody did."""
    ending: Mapped[str | None] = mapped_column(String(80))
    """Why it is to end as soon as its publisher is gone: no reconnect grace (kicked, key revoked, key expired)."""


class NonceRow(Base):
    """A signed stream id that let somebody in, and whom. A session has several where its caller came back."""

    __tablename__ = "nonce"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    peer: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class TransitionRow(Base):
    """Every change of a stream's, session's or event's state, in order. Rows are only ever added."""

    __tablename__ = "transition"
    __table_args__ = (
        Index("transitions_of_stream", "slug", "id"),
        # SQLite would use a number again after the newest row was removed; nobody may see another row under an old id.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Also the id of the server-sent event."""
    at: Mapped[datetime]
    slug: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(8))
    """session or event."""
    session_id: Mapped[int | None]
    event_id: Mapped[int | None]
    before: Mapped[str] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    trigger: Mapped[str] = mapped_column(String(16))
    """What happened (hooks_app/states.py)."""
    reason: Mapped[str | None] = mapped_column(String(80))
    host: Mapped[str] = mapped_column(String(64))
    boot_id: Mapped[str | None] = mapped_column(String(36))
    monotonic: Mapped[float | None]


class ApiTokenRow(Base):
    """A bearer token of the API: public id, SHA-256 of the secret, never the secret."""

    __tablename__ = "api_token"

    token_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    role: Mapped[str] = mapped_column(String(16))
    """viewer, scheduler, operator or admin."""
    owner: Mapped[str | None] = mapped_column(ForeignKey("owner.name"))
    """None: of every owner."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditRow(Base):
    """Who changed what. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(48))
    """token:ID, host:USER, or spec for what followed from the spec."""
    owner: Mapped[str | None] = mapped_column(String(40), index=True)
    """Whose thing was changed; None for what belongs to nobody."""
    action: Mapped[str] = mapped_column(String(40))
    """Thing and verb, e.g. key.revoke."""
    target: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]]
    """Never a secret."""


class HostRow(Base):
    """The app hosts on this database, and their last proof that it can be written."""

    __tablename__ = "host"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
