"""A ladder: the renditions of a stream and the clock they share.

Every derived number of the product is a property here, so that the encoder's argument list and the master playlist print
the same object and cannot disagree.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headend.model.base import Model

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
Profile = Literal["baseline", "main", "high"]
Tune = Literal["zerolatency", "film", "animation", "none"]

RenditionName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,19}$")]


class Rendition(Model):
    """One rung of a ladder (RFC 8216 calls it a variant stream)."""

    name: RenditionName
    """Directory, media playlist, log field and player label of the rendition. Example: 720p."""
    height: int = Field(ge=144, le=2160, multiple_of=2)
    """Picture height in pixels; the width follows from 16:9. Example: 720."""
    video_kbps: int = Field(ge=100, le=50_000)
    """Average video bit rate in kbit/s (1000 bit/s). Example: 2000."""
    audio_kbps: int = Field(default=128, ge=32, le=320)
    """AAC bit rate in kbit/s. Example: 128."""
    preset: Preset = "veryfast"
    """x264 preset: how much CPU a frame may cost. Example: veryfast."""
    profile: Profile = "high"
    """H.264 profile that the master playlist promises. Example: high."""
    tune: Tune = "zerolatency"
    """x264 tune; zerolatency saves about half a second at the start of a stream. Example: zerolatency."""


class SourceRendition(Model):
    """The publisher's own picture, copied when it already fits and encoded when it does not."""

    name: RenditionName = "source"
    """Directory, media playlist and player label. Example: source."""
    height: int = Field(ge=144, le=2160, multiple_of=2)
    """Height in pixels that the publisher is expected to send; any other height is encoded to this one. Example: 1080."""
    video_kbps: int = Field(ge=100, le=50_000)
    """Highest average bit rate in kbit/s that is copied; used as the target when encoding. Example: 6000."""
    audio_kbps: int = Field(default=160, ge=32, le=320)
    """AAC bit rate in kbit/s. Example: 160."""
    preset: Preset = "veryfast"
    """x264 preset when the source must be encoded. Example: veryfast."""


class Ladder(Model):
    """Renditions, highest first, and the segment clock they share."""

    segment_seconds: int = Field(default=2, ge=1, le=10)
    """Length of a segment; a whole number of GOPs. Example: 2."""
    first_segment_seconds: int = Field(default=1, ge=1, le=10)
    """Length of the first segment after a start, at most segment_seconds: shorter means on air sooner. Example: 1."""
    window_seconds: int = Field(default=24, ge=6, le=14_400)
    """How much of the past a viewer can seek to; a whole number of segments. Example: 24."""
    frame_rate: int = Field(default=30, ge=10, le=60)
    """Frames per second of every rendition. Example: 30."""
    gop_frames: int = Field(default=60, ge=10, le=600)
    """Keyframe interval in frames; every rendition has its keyframes on the same frames. Example: 60."""
    poster_seconds: int = Field(default=10, ge=1, le=300)
    """How often the poster image is refreshed while live. Example: 10."""
    source: SourceRendition | None = None
    """Optional: the publisher's own picture as the highest rendition."""
    renditions: tuple[Rendition, ...] = Field(
        default=(
            Rendition(name="1080p", height=1080, video_kbps=3500),
            Rendition(name="720p", height=720, video_kbps=2000),
            Rendition(name="480p", height=480, video_kbps=1000, audio_kbps=96),
        ),
        min_length=1,
        max_length=8,
        strict=False,
    )
    """Highest first, strictly descending in height and bit rate."""
