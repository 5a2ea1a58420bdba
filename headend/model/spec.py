"""The whole spec: what a team types, one object."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headend.model.announcements import Announcements
from headend.model.base import Model, Slug
from headend.model.facts import SrtAdmit, Takeover
from headend.model.ladder import Ladder
from headend.model.recordings import Recordings

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

# A contribution of 1080p60 takes up to 20 Mbit/s.
CONTRIBUTION_KBPS = 20_000
SRT_PAYLOAD_BYTES = 1316
"""Seven TS packets, which is what encoders put into one of SRT's."""
SRT_SLOT_BYTES = 1500 - 28
"""What libsrt takes a packet for, however short it is: an MTU without the IP and UDP headers."""
SRT_LEAST_PACKETS = 8192
"""libsrt's own choice."""
SRT_STALL_SECONDS = 10
"""For so long a remuxer may take nothing, while it starts or its host is busy, and loses nothing."""
SRT_LATENCY_MARGIN_PERCENT = 25
"""Besides the latency a buffer holds what is on its way: half a round trip, where the latency is 2.5 of them."""


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
    srt_admit: Literal["site", SrtAdmit] = "site"
    """How SRT callers of this stream may come in; site means as ingest.srt.admit says. Example: encrypted."""
    owner: Slug = "site"
    """Whose it is: an API token may be limited to the streams, keys and events of one owner. Example: marketing."""
    takeover: Takeover = "refuse"
    """A second publisher with a valid key: refuse it, or let it replace one that has been silent. Example: refuse."""
    record: Literal["site", "always", "never"] = "site"
    """Whether it is recorded; site means as recordings.record says. Example: always."""


class Srt(Model):
    """SRT, for encoders on bad networks."""

    enabled: bool = True
    """Whether SRT callers are taken at all. Example: true."""
    port: int = Field(default=9000, ge=1024, le=65535)
    """UDP port for SRT; open it in the firewall. Example: 9000."""
    latency_ms: int = Field(default=120, ge=20, le=8000)
    """Time for repairing loss: 2.5 to 4 times the round trip of the publisher farthest away. Example: 400."""
    peer_idle_seconds: int = Field(default=5, ge=1, le=60)
    """A caller that is silent for so long is gone. Example: 5."""
    admit: SrtAdmit = "any"
    """Way in: encrypted (a passphrase), signed (a URL that expires; nothing is encrypted) or any. Example: any."""
    signed_reuse: Literal["never", "same_address"] = "never"
    """Whether a signed URL may be used again while it is valid, from the same address. Example: never."""
    max_callers: int = Field(default=32, ge=1, le=256)
    """Callers at a time. Example: 32."""
    max_callers_per_address: int = Field(default=8, ge=1, le=256)
    """Callers at a time from one address. Example: 8."""

    @property
    def receive_packets(self) -> int:
        """What a caller's buffer holds at the highest bit rate that anybody sends: the latency, and a stall."""
        held_ms = self.latency_ms * (100 + SRT_LATENCY_MARGIN_PERCENT) // 100 + SRT_STALL_SECONDS * 1000
        return max(SRT_LEAST_PACKETS, -(-CONTRIBUTION_KBPS * held_ms // 8 // SRT_PAYLOAD_BYTES))

    @property
    def receive_buffer_kib(self) -> int:
        """The same as libsrt counts it."""
        return -(-self.receive_packets * SRT_SLOT_BYTES // 1024)


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
    srt: Srt = Field(default_factory=Srt)
    """SRT, for encoders on bad networks."""


class Events(Model):
    """Planned broadcasts."""

    ad_hoc: bool = True
    """Whether a publisher who comes without a planned event makes one. Example: true."""
    publish_lead_minutes: int = Field(default=15, ge=0, le=1440)
    """How long before an event's start its publisher may come; keys may be limited to that. Example: 15."""


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
    events: Events = Field(default_factory=Events)
    """Planned broadcasts."""
    announcements: Announcements = Field(default_factory=Announcements)
    """Who is told, and when."""
    recordings: Recordings = Field(default_factory=Recordings)
    """What is recorded, where it is kept, and for how long."""
    retention: Retention = Field(default_factory=Retention)
    """How long data stays."""

    def srt_admit(self, stream: Stream) -> SrtAdmit:
        """How SRT callers of a stream may come in."""
        return self.ingest.srt.admit if stream.srt_admit == "site" else stream.srt_admit

    def records(self, stream: Stream) -> bool:
        """Whether a stream is recorded."""
        return self.recordings.record if stream.record == "site" else stream.record == "always"

    @property
    def recording(self) -> bool:
        """Whether anything is recorded: a stream of the spec, or those that are made at run time."""
        return self.recordings.record or any(map(self.records, self.streams))
