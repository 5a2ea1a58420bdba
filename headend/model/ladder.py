"""A ladder: the renditions of a stream and the clock they share.

Every derived number of the product is a property here, so that the encoder's argument list and the master playlist
print the same object and cannot disagree.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headend.model.base import Model
from headend.model.h264 import Profile, codecs_name, level_idc
from headend.model.rates import BUFFER_SECONDS, MAXRATE_PERCENT, in_transport_stream

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
Tune = Literal["zerolatency", "film", "animation", "none"]

RenditionName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,19}$")]

# AAC-LC, which is what FFmpeg's own AAC encoder writes (RFC 6381, object type 40, audio object type 2).
AAC_CODECS = "mp4a.40.2"


class Picture(Model):
    """What every rung of a ladder has, and every number that follows from it."""

    name: RenditionName
    height: int
    video_kbps: int
    audio_kbps: int
    preset: Preset
    profile: Profile
    tune: Tune

    @property
    def width(self) -> int:
        """Picture width in pixels: 16:9, rounded to the nearest even number, as 4:2:0 needs."""
        return round(self.height * 16 / 9 / 2) * 2

    @property
    def video_bps(self) -> int:
        """Average video bit rate in bit/s."""
        return self.video_kbps * 1000

    @property
    def audio_bps(self) -> int:
        """Audio bit rate in bit/s."""
        return self.audio_kbps * 1000

    @property
    def maxrate_bps(self) -> int:
        """Highest video bit rate in bit/s over the length of the buffer."""
        return self.video_bps * MAXRATE_PERCENT // 100

    @property
    def bufsize_bits(self) -> int:
        """Size in bit of the buffer in which the encoder keeps maxrate_bps (the VBV)."""
        return self.maxrate_bps * BUFFER_SECONDS

    @property
    def peak_bandwidth_bps(self) -> int:
        """BANDWIDTH of the master playlist: the highest segment bit rate (RFC 8216 4.3.4.2)."""
        return in_transport_stream(self.maxrate_bps + self.audio_bps)

    @property
    def average_bandwidth_bps(self) -> int:
        """AVERAGE-BANDWIDTH of the master playlist: the mean segment bit rate (RFC 8216 4.3.4.2)."""
        return in_transport_stream(self.video_bps + self.audio_bps)

    def level_idc(self, frame_rate: int) -> int:
        """The H.264 level that the encoder is told and the master playlist claims; 31 is level 3.1."""
        return level_idc(
            self.profile,
            width=self.width,
            height=self.height,
            frame_rate=frame_rate,
            maxrate_bps=self.maxrate_bps,
            bufsize_bits=self.bufsize_bits,
        )

    def level(self, frame_rate: int) -> str:
        """The H.264 level as FFmpeg's -level wants it. Example: 3.1."""
        return f"{self.level_idc(frame_rate) / 10:.1f}"

    def codecs(self, frame_rate: int) -> str:
        """CODECS of the master playlist (RFC 6381). Example: avc1.64001F,mp4a.40.2."""
        return f"{codecs_name(self.profile, self.level_idc(frame_rate))},{AAC_CODECS}"

    def bits_per_pixel(self, frame_rate: int) -> float:
        """Average video bits that one pixel of one frame gets: the usual rule of thumb for picture quality."""
        return self.video_bps / (self.width * self.height * frame_rate)


class Rendition(Picture):
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


class SourceRendition(Picture):
    """The publisher's own picture, copied when it already fits and encoded when it does not."""

    name: RenditionName = "source"
    """Directory, media playlist and player label. Example: source."""
    height: int = Field(ge=144, le=2160, multiple_of=2)
    """Height in pixels that the publisher should send; any other height is encoded to this one. Example: 1080."""
    video_kbps: int = Field(ge=100, le=50_000)
    """Highest average bit rate in kbit/s that is copied; used as the target when encoding. Example: 6000."""
    audio_kbps: int = Field(default=160, ge=32, le=320)
    """AAC bit rate in kbit/s. Example: 160."""
    preset: Preset = "veryfast"
    """x264 preset when the source must be encoded. Example: veryfast."""
    profile: Profile = "high"
    """H.264 profile when the source must be encoded. Example: high."""
    tune: Tune = "zerolatency"
    """x264 tune when the source must be encoded. Example: zerolatency."""


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
    reconnect_grace_seconds: int = Field(default=30, ge=0, le=600)
    """How long an encoder that dropped off may take to come back to its session; 0: it ends at once. Example: 30."""
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

    @property
    def rungs(self) -> tuple[Picture, ...]:
        """Everything a viewer can choose: the source first, if there is one, then the renditions."""
        return ((self.source,) if self.source else ()) + self.renditions

    @property
    def segment_gops(self) -> int:
        """GOPs in a segment; the lints made sure that it is a whole number."""
        return self.segment_seconds * self.frame_rate // self.gop_frames

    @property
    def window_segments(self) -> int:
        """Segments in a media playlist; the lints made sure that it is a whole number."""
        return self.window_seconds // self.segment_seconds
