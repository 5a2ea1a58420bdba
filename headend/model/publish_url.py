"""What a publisher types: URLs and settings for SRT and RTMP encoders. No clock, no chance: the caller gives both.

Of the SRT callers, GStreamer decodes a URL's query and ends it at '#'; ffmpeg 5.1, OBS and srt-live-transmit 1.5.1
take it as it stands. Hence the plain spelling of the stream id in URLs, which is the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from shlex import quote

from headend.model.credential import rtmp_key, signature, srt_passphrase
from headend.model.stream_id import StreamId, parse

MICROSECONDS = 1000
"""In a millisecond: libavformat's srt protocol, and OBS with it, takes latency in µs, everybody else in ms."""

ENCODE = "-c:v libx264 -preset veryfast -g 60 -c:a aac"
"""What an encoder sends at least: H.264 with a keyframe every two seconds, and AAC."""


SIGNED_DEFAULT = "12h"
SIGNED_LONGEST = timedelta(hours=24)
"""nginx@srt's signed_max_lifetime: it refuses a stream id that promises more."""

NONCE_BYTES = 12
"""As base64url 16 characters; no two stream ids ever have the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SrtTarget:
    """Where and as whom to publish over SRT. Holds secrets, which its repr does not show."""

    host: str
    """Name or address; IPv6 without brackets."""
    port: int
    slug: str
    key_id: str
    stream_id: str = field(repr=False)
    """In SRT's own spelling, for encoders that have a field for it."""
    passphrase: str | None = field(repr=False)
    """None for a signed stream id."""
    latency_ms: int

    @property
    def address(self) -> str:
        """Without anything secret. Example: srt://live.example.org:9000."""
        return f"srt://{_bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """For srt-live-transmit, GStreamer and whatever else takes latency in milliseconds."""
        return self._url(self.latency_ms)

    @property
    def ffmpeg_url(self) -> str:
        """For ffmpeg and OBS."""
        return self._url(self.latency_ms * MICROSECONDS)

    @property
    def ffmpeg(self) -> str:
        """A command line for a shell."""
        return f"ffmpeg -re -i INPUT {ENCODE} -f mpegts {quote(self.ffmpeg_url)}"

    @property
    def obs(self) -> dict[str, str]:
        """Settings, Stream."""
        return {"Service": "Custom...", "Server": self.ffmpeg_url, "Stream Key": ""}

    @property
    def larix(self) -> dict[str, str]:
        """A connection of Larix Broadcaster."""
        secret = {"passphrase": self.passphrase} if self.passphrase else {}
        latency = {"latency": str(self.latency_ms)}
        return {"URL": self.address, "SRT sending mode": "Caller", "streamid": self.stream_id, **secret, **latency}

    @property
    def gstreamer(self) -> dict[str, str]:
        """Properties of srtsink."""
        secret = {"passphrase": self.passphrase} if self.passphrase else {}
        uri = f"{self.address}?mode=caller"
        return {"uri": uri, "latency": str(self.latency_ms), "streamid": self.stream_id, **secret}

    @property
    def document(self) -> dict[str, object]:
        """For a program: every name is always there, so that a script may rely on it."""
        return {
            "slug": self.slug,
            "key_id": self.key_id,
            "latency_ms": self.latency_ms,
            "url": self.url,
            "ffmpeg_url": self.ffmpeg_url,
            "stream_id": self.stream_id,
            "passphrase": self.passphrase,
            "obs": self.obs,
            "larix": self.larix,
            "gstreamer": self.gstreamer,
        }

    def _url(self, latency: int) -> str:
        secret = f"&passphrase={self.passphrase}" if self.passphrase else ""
        return f"{self.address}?mode=caller&latency={latency}&streamid={parse(self.stream_id).plain}{secret}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RtmpTarget:
    """Where and as whom to publish over RTMP. Holds a secret, which its repr does not show."""

    host: str
    """Name or address; IPv6 without brackets."""
    port: int
    application: str
    slug: str
    key_id: str
    key: str = field(repr=False)

    @property
    def server(self) -> str:
        """Without anything secret. Example: rtmp://live.example.org:1935/live."""
        return f"rtmp://{_bracketed(self.host)}:{self.port}/{self.application}"

    @property
    def stream_key(self) -> str:
        """What encoders call so: the slug and the key."""
        return f"{self.slug}?key={self.key}"

    @property
    def url(self) -> str:
        """Both in one."""
        return f"{self.server}/{self.stream_key}"

    @property
    def ffmpeg(self) -> str:
        """A command line for a shell."""
        return f"ffmpeg -re -i INPUT {ENCODE} -f flv {quote(self.url)}"

    @property
    def obs(self) -> dict[str, str]:
        """Settings, Stream."""
        return {"Service": "Custom...", "Server": self.server, "Stream Key": self.stream_key}

    @property
    def larix(self) -> dict[str, str]:
        """A connection of Larix Broadcaster."""
        return {"URL": self.url}

    @property
    def gstreamer(self) -> dict[str, str]:
        """Properties of rtmp2sink."""
        return {"location": self.url}

    @property
    def document(self) -> dict[str, object]:
        """For a program."""
        return {
            "slug": self.slug,
            "key_id": self.key_id,
            "url": self.url,
            "server": self.server,
            "key": self.key,
            "stream_key": self.stream_key,
            "obs": self.obs,
            "larix": self.larix,
            "gstreamer": self.gstreamer,
        }


def encrypted_target(master: bytes, *, host: str, port: int, slug: str, key_id: str, latency_ms: int) -> SrtTarget:
    """The encrypted way: the passphrase of this stream and key."""
    return SrtTarget(
        host=host,
        port=port,
        slug=slug,
        key_id=key_id,
        stream_id=StreamId(slug=slug, key_id=key_id).text,
        passphrase=srt_passphrase(master, slug, key_id),
        latency_ms=latency_ms,
    )


def signed_target(
    master: bytes, *, host: str, port: int, slug: str, key_id: str, latency_ms: int, expires_at: int, nonce: str
) -> SrtTarget:
    """The signed way: good until expires_at (unix seconds); nothing is encrypted."""
    signed = signature(master, slug, key_id, expires_at, nonce)
    stream_id = StreamId(slug=slug, key_id=key_id, expires_at=expires_at, nonce=nonce, signature=signed)
    return SrtTarget(
        host=host,
        port=port,
        slug=slug,
        key_id=key_id,
        stream_id=stream_id.text,
        passphrase=None,
        latency_ms=latency_ms,
    )


def rtmp_target(
    master: bytes, *, host: str, port: int, slug: str, key_id: str, application: str = "live"
) -> RtmpTarget:
    """The stream key of this stream and key id."""
    key = rtmp_key(master, slug, key_id)
    return RtmpTarget(host=host, port=port, application=application, slug=slug, key_id=key_id, key=key)


def settings_lines(target: SrtTarget | RtmpTarget) -> Iterator[str]:
    """What to type into which encoder, for people."""
    for encoder, settings in (("OBS", target.obs), ("Larix", target.larix), ("GStreamer", target.gstreamer)):
        for name, value in settings.items():
            yield f"{encoder:<11}{name}: {value}"
    yield f"{'ffmpeg':<11}{target.ffmpeg}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
