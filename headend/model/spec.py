"""The whole spec: what a team types, one object."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headend.model.base import Model, Slug
from headend.model.ladder import Ladder

# What ends up in nginx and systemd text must not be able to leave its place there; whether it is true is the lints'
# matter.
PublicUrl = Annotated[
    str,
    Field(
        pattern=r"^https?://([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,9}|\[[0-9A-Fa-f:]{2,39}\])(:[1-9][0-9]{0,4})?$"
    ),
]
TimeZone = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}$")]
Network = Annotated[str, Field(pattern=r"^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$")]
LadderName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Site(Model):
    """Where viewers find the streams."""

    public_url: PublicUrl
    """Scheme and host under which viewers reach /streams/ and /watch/. Example: https://live.example.org."""
    time_zone: TimeZone = "UTC"
    """IANA time zone in which people read times. Example: Europe/Berlin."""


class Stream(Model):
    """One channel with a public name."""

    slug: Slug
    """Public name: in URLs, paths and unit names; never a secret. Example: coffee-and-stocks."""
    title: str = Field(min_length=1, max_length=120)
    """What viewers read. Example: Coffee & Stocks."""
    ladder: LadderName = "default"
    """Name of the ladder that encodes it. Example: default."""


class Ingest(Model):
    """Where publishers connect and from where they may."""

    rtmp_port: int = Field(default=1935, ge=1024, le=65535)
    """TCP port for RTMP; above 1023, because nothing of Headend runs as root. Example: 1935."""
    allow_publish: tuple[Network, ...] = Field(
        default=("0.0.0.0/0", "::/0"), min_length=1, max_length=100, strict=False
    )
    """Networks (CIDR) that may publish, given a valid key. Example: [203.0.113.0/24]."""
    deny_publish: tuple[Network, ...] = Field(default=(), max_length=100, strict=False)
    """Networks (CIDR) that may never publish; checked first. Example: [203.0.113.7/32]."""


class Retention(Model):
    """How long data stays on the origin's disk."""

    ended_window_hours: int = Field(default=24, ge=1, le=720)
    """How long the last window of an ended stream stays playable before its segments are swept. Example: 24."""


class Spec(Model):
    """A spec file."""

    site: Site
    """Where viewers find the streams."""
    ladders: dict[LadderName, Ladder] = Field(default_factory=lambda: {"default": Ladder()})
    """Ladders by name; without this key there is one, named default."""
    streams: tuple[Stream, ...] = Field(min_length=1, strict=False)
    """The channels of this origin."""
    ingest: Ingest = Field(default_factory=Ingest)
    """Where publishers connect."""
    retention: Retention = Field(default_factory=Retention)
    """How long data stays."""
