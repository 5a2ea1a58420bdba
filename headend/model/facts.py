"""What the hook app knows of its site: one rendered JSON file, read at start."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headend.model.announcements import Announcements
from headend.model.base import Model, Slug
from headend.model.recordings import Recordings

SrtAdmit = Literal["any", "encrypted", "signed"]
"""The ways by which SRT callers may come in."""


Takeover = Literal["refuse", "replace_silent"]
"""What happens to a second publisher with a valid key."""


class LadderFacts(Model):
    """A ladder, for streams that are made at run time."""

    name: str
    renditions: tuple[str, ...] = Field(strict=False)
    """Rendition names, highest first."""
    segment_seconds: int
    reconnect_grace_seconds: int


class StreamFacts(Model):
    """A stream as the hook app needs it."""

    slug: Slug
    title: str
    renditions: tuple[str, ...] = Field(strict=False)
    """Rendition names, highest first; each has media_root/hls/<slug>/<name>/index.m3u8."""
    segment_seconds: int
    playlist: str
    """Absolute public URL of the master playlist."""
    srt_admit: SrtAdmit = "any"
    """How SRT callers of this stream may come in; the site's way where the stream names none."""
    ladder: str = "default"
    owner: Slug = "site"
    reconnect_grace_seconds: int = 0
    """How long a publisher that dropped off may take to come back to its session."""
    takeover: Takeover = "refuse"
    ad_hoc_events: bool = True
    """Whether a publisher who comes without a planned event makes one."""


class RtmpFacts(Model):
    """Where RTMP publishers connect, as a URL for them says it."""

    public_host: str
    port: int


class SrtFacts(Model):
    """Where SRT callers connect, and what the hook app shares with nginx@srt and the remuxers."""

    public_host: str
    """Name or address for callers' URLs; IPv6 without brackets."""
    port: int
    """UDP."""
    latency_ms: int
    """The listener's own; a caller's URL asks for the same."""
    admit_list: str
    """Path of the file from which nginx@srt learns who may call; the hook app writes it."""
    faults_dir: str
    """Directory in which the remuxers leave <slug>.json when they give up on a caller."""
    signed_reuse: Literal["never", "same_address"] = "never"
    """Whether a signed stream id is good for one session, or for all from the address that used it first."""


class AnnouncementFacts(Model):
    """Who is told, and in which words."""

    settings: Announcements
    """As the spec has them. A secret is a credential of the unit; here is its name."""
    templates: dict[str, dict[str, str]]
    """Source by channel, or `any`, and occasion: the site's own over those that Headend brings."""
    discord_api: str = "https://discord.com/api/v10"
    """Where a bot calls Discord."""


class RecordingFacts(Model):
    """What is done with recordings."""

    settings: Recordings
    """As the spec has them. The secret access key is a credential of the unit; here is its name."""
    root: str
    """The folder with buffer/ and kept/."""
    sweep_seconds: int
    """Live segments outside every playlist that were written so long ago are swept."""


class HookFacts(Model):
    """Everything of the spec and the layout that the hook app uses."""

    application: str
    """Name of the RTMP application, "live"."""
    listen_host: str
    listen_port: int
    database_url: str
    """SQLAlchemy URL, without any secret."""
    media_root: str
    stat_url: str
    """nginx-rtmp's stat page on loopback."""
    control_url: str
    """nginx-rtmp's control page on loopback, without the verb."""
    srt_stat_url: str | None = None
    """nginx@srt's stat page on loopback."""
    public_url: str
    """Scheme and host of the site, without a path."""
    time_zone: str = "UTC"
    """IANA name of the zone in which people of the site read times."""
    ladders: tuple[LadderFacts, ...] = Field(default=(), strict=False)
    """On which streams can be made at run time."""
    ad_hoc_events: bool = True
    """For streams that are made at run time."""
    srt_admit: SrtAdmit = "any"
    """The same."""
    publish_lead_seconds: int = 900
    """How long before an event's start its publisher may come."""
    streams_dir: str = ""
    """Where the app names the streams that were made at run time, for their encoders: a file each, with the ladder."""
    backup_dir: str = ""
    """Where the backups of the database lie."""
    build_file: str = ""
    """BUILD.json of the nginx that is installed: what it was built from."""
    streams: tuple[StreamFacts, ...] = Field(strict=False)
    attach_timeout_seconds: float = 1.5
    """How long on_publish waits for the encoder before it answers 503; below nginx's 2 s netcall timeout."""
    reconcile_seconds: float = 2.0
    rtmp: RtmpFacts | None = None
    """For the URLs that `headend-key` prints."""
    srt: SrtFacts | None = None
    """Absent where the spec has no SRT: no call over the unix socket is believed then, and nothing is written."""
    announcements: AnnouncementFacts | None = None
    """Absent where the spec names no destination."""
    recordings: RecordingFacts | None = None
    """Absent where nothing is recorded."""
