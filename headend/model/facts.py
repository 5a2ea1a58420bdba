"""What the hook app knows of its site: one rendered JSON file, read at start."""

from __future__ import annotations

from pydantic import Field

from headend.model.base import Model, Slug


class StreamFacts(Model):
    """A stream as the hook app needs it."""

    slug: Slug
    title: str
    renditions: tuple[str, ...] = Field(strict=False)
    """Rendition names, highest first; each has media_root/hls/<slug>/<name>/index.m3u8."""
    segment_seconds: int
    playlist: str
    """Absolute public URL of the master playlist."""


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
    streams: tuple[StreamFacts, ...] = Field(strict=False)
    attach_timeout_seconds: float = 1.5
    """How long on_publish waits for the encoder before it answers 503; below nginx's 2 s netcall timeout."""
    reconcile_seconds: float = 2.0
