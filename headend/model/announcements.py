"""Who is told that a stream is on air, where, and when not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from headend.model.base import Model, Slug

SecretName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Zone = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}$")]
Network = Annotated[str, Field(pattern=r"^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$")]
Hashtag = Annotated[str, Field(pattern=r"^#[^\s#]{1,99}$")]
Link = Annotated[str, Field(pattern=r"^https?://[^\s<>\"]{1,500}$")]
Mailbox = Annotated[str, Field(pattern=r"^[^@\s<>,;]{1,64}@[A-Za-z0-9.-]{1,190}$")]
Offset = Annotated[int, Field(ge=1, le=10_080)]
Scheme = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+-]{0,23}$")]
OccasionName = Literal[
    "scheduled", "moved", "cancelled", "countdown", "live", "interrupted", "resumed", "ended", "recap"
]


class QuietHours(Model):
    """When a destination is not to be disturbed."""

    start: TimeOfDay = "22:00"
    """Local time from which nothing is sent. Example: 22:00."""
    end: TimeOfDay = "07:30"
    """Local time at which what was held is sent, in one message if there are several. Example: 07:30."""
    time_zone: Zone = "UTC"
    """IANA time zone of the people there. Example: America/New_York."""
    urgent: tuple[OccasionName, ...] = Field(default=(), max_length=9, strict=False)
    """Occasions that are told at any hour. Example: [live]."""


class Destination(Model):
    """A place where it is told. Its secret is a credential of the host; the spec has only its name."""

    name: Slug
    """By which events switch it on and off. Example: discord-main."""
    kind: Literal["discord", "webhook", "email", "apprise"]
    """How it is told. Example: discord."""
    title: str = Field(min_length=1, max_length=120)
    """For people. Example: Discord, Coffee & Stocks."""
    owner: Slug = "site"
    """Whose it is; another owner's streams are not told there. Example: marketing."""
    streams: tuple[Slug, ...] = Field(default=(), max_length=200, strict=False)
    """Only these streams are told there; none named: every stream of the owner. Example: [coffee-and-stocks]."""
    occasions: tuple[OccasionName, ...] = Field(
        default=("countdown", "live", "recap"), min_length=1, max_length=9, strict=False
    )
    """What is told there. Example: [countdown, live, recap]."""
    enabled: bool = True
    """Whether events that do not say otherwise are told there. Example: true."""
    secret: SecretName | None = None
    """Name of the credential: webhook URL, signing key, SMTP password, Apprise URL. Example: discord-main."""
    secret_before: SecretName | None = None
    """Signed webhooks, while the key is rotated: the one before, which also signs. Example: webhook-site-old."""
    bot_secret: SecretName | None = None
    """Discord: credential with a bot's token, for scheduled events and stages. Example: discord-bot."""
    guild_id: Annotated[str, Field(pattern=r"^[0-9]{15,20}$")] | None = None
    """Discord: the server of the scheduled events. Example: "123456789012345678"."""
    stage_channel_id: Annotated[str, Field(pattern=r"^[0-9]{15,20}$")] | None = None
    """Discord: the stage whose topic is set while it is live. Example: "123456789012345678"."""
    url: Link | None = None
    """Signed webhooks: where they go. Example: https://example.org/hooks/live."""
    smtp_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,190}$")] | None = None
    """E-mail: the server. Example: smtp.example.org."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """E-mail: its port. Example: 587."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """E-mail: how the connection is protected. Example: starttls."""
    smtp_user: Annotated[str, Field(pattern=r"^[^\s]{1,190}$")] | None = None
    """E-mail: who logs in; without one nobody does. Example: live@example.org."""
    mail_from: Mailbox | None = None
    """E-mail: the sender. Example: live@example.org."""
    mail_to: tuple[Mailbox, ...] = Field(default=(), max_length=100, strict=False)
    """E-mail: a list's address, or a few people's. Example: [viewers@example.org]."""
    unsubscribe: Link | None = None
    """E-mail: where a reader leaves the list (RFC 8058). Example: https://example.org/unsubscribe."""
    per_minute: int = Field(default=20, ge=1, le=600)
    """Most messages in a minute. Example: 20."""
    quiet_hours: QuietHours | None = None
    """When it is not to be disturbed."""


class Outbound(Model):
    """Where the announcer may connect to."""

    allow: tuple[Network, ...] = Field(default=(), max_length=50, strict=False)
    """Networks (CIDR) that may be reached though they are not public. Example: [10.1.2.0/24]."""
    apprise_schemes: tuple[Scheme, ...] = Field(
        default=("mastodons", "matrixs", "ntfys", "slack", "tgram", "bluesky"), max_length=60, strict=False
    )
    """URL schemes that an Apprise destination may have. Example: [tgram, slack]."""


class Announcements(Model):
    """Who is told, and when."""

    mode: Literal["live", "dry_run", "off"] = "live"
    """live sends; dry_run does everything but send; off makes no messages. Example: live."""
    destinations: tuple[Destination, ...] = Field(default=(), max_length=100, strict=False)
    """Where it is told."""
    templates: (
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,4}$")]
        | None
    ) = None
    """Folder beside the spec with words of your own: CHANNEL/OCCASION.j2. Example: announcements."""
    countdown_minutes: tuple[Offset, ...] = Field(default=(30, 10, 5), max_length=10, strict=False)
    """How long before the start it is told; a schedule may have its own. Example: [30, 10, 5]."""
    live_debounce_seconds: int = Field(default=0, ge=0, le=600)
    """How long a stream must be live before it is told. Example: 15."""
    live_cooldown_minutes: int = Field(default=10, ge=0, le=1440)
    """How long after a live was told the next one of the same show waits. Example: 10."""
    live_stale_minutes: int = Field(default=30, ge=1, le=1440)
    """A live that could not be told for so long is not told any more. Example: 30."""
    interrupted_after_seconds: int = Field(default=60, ge=10, le=3600)
    """An interruption of a stream that was told to be live is told after so long. Example: 60."""
    recap_after_minutes: int = Field(default=5, ge=0, le=1440)
    """How long after the end the recap is told. Example: 5."""
    call_to_action: str = Field(default="", max_length=200)
    """What viewers are asked to do at the end. Example: Go for gold."""
    call_to_action_url: Link | None = None
    """Where they do it. Example: https://example.org/gold-upgrade."""
    hashtags: tuple[Hashtag, ...] = Field(default=(), max_length=30, strict=False)
    """Under posts. Example: ["#stocks"]."""
    outbound: Outbound = Field(default_factory=Outbound)
    """Where the announcer may connect to."""
    _own_words: dict[str, dict[str, str]] = PrivateAttr(default_factory=dict)

    @property
    def own_words(self) -> dict[str, dict[str, str]]:
        """What lies in the folder `templates`, by channel and occasion; the loader reads it."""
        return self._own_words

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of the credentials that the destinations need, sorted."""
        names = {name for place in self.destinations for name in (place.secret, place.secret_before, place.bot_secret)}
        return tuple(sorted(name for name in names if name))
