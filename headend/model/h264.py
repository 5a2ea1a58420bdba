"""What H.264 says about itself: the level a picture needs and the RFC 6381 name of profile and level."""

from __future__ import annotations

from typing import Literal, NamedTuple

Profile = Literal["baseline", "main", "high"]

MACROBLOCK_PIXELS = 16


class Level(NamedTuple):
    """One row of H.264 Annex A, table A-1."""

    idc: int
    """level_idc: ten times the level, so 31 is level 3.1."""
    macroblocks_per_second: int
    frame_macroblocks: int
    bitrate_kbps: int
    """Highest bit rate for baseline and main; high may have a quarter more (table A-2, cpbBrVclFactor)."""
    buffer_kbits: int
    """Largest coded picture buffer (the encoder's -bufsize), with the same quarter more for high."""


# Levels 1 and 1b are left out: the smallest picture of the model (256x144) already needs 1.1.
LEVELS = (
    Level(11, 3_000, 396, 192, 500),
    Level(12, 6_000, 396, 384, 1_000),
    Level(13, 11_880, 396, 768, 2_000),
    Level(20, 11_880, 396, 2_000, 2_000),
    Level(21, 19_800, 792, 4_000, 4_000),
    Level(22, 20_250, 1_620, 4_000, 4_000),
    Level(30, 40_500, 1_620, 10_000, 10_000),
    Level(31, 108_000, 3_600, 14_000, 14_000),
    Level(32, 216_000, 5_120, 20_000, 20_000),
    Level(40, 245_760, 8_192, 20_000, 25_000),
    Level(41, 245_760, 8_192, 50_000, 62_500),
    Level(42, 522_240, 8_704, 50_000, 62_500),
    Level(50, 589_824, 22_080, 135_000, 135_000),
    Level(51, 983_040, 36_864, 240_000, 240_000),
    Level(52, 2_073_600, 36_864, 240_000, 240_000),
)

# profile_idc and the constraint flags exactly as libx264 writes them (read back from real encodes): its baseline is
# always Constrained Baseline (constraint_set0 and 1), its main sets constraint_set1, its high sets none.
PROFILE_BYTES: dict[Profile, str] = {"baseline": "42C0", "main": "4D40", "high": "6400"}
HIGH_PROFILE_FACTOR = 1.25


def level_idc(
    profile: Profile, *, width: int, height: int, frame_rate: int, maxrate_bps: int, bufsize_bits: int
) -> int:
    """The lowest level that holds picture size, macroblock rate, bit rate and buffer, as level_idc.

    The decoded picture buffer is not looked at: FFmpeg lowers the encoder's reference frames to what a forced -level
    allows (libavcodec/libx264.c), so the level a player needs never rises with the preset.
    """
    frame_macroblocks = -(-width // MACROBLOCK_PIXELS) * -(-height // MACROBLOCK_PIXELS)
    factor = HIGH_PROFILE_FACTOR if profile == "high" else 1.0
    for level in LEVELS:
        if (
            frame_macroblocks <= level.frame_macroblocks
            and frame_macroblocks * frame_rate <= level.macroblocks_per_second
            and maxrate_bps <= level.bitrate_kbps * 1000 * factor
            and bufsize_bits <= level.buffer_kbits * 1000 * factor
        ):
            return level.idc
    return LEVELS[-1].idc


def codecs_name(profile: Profile, idc: int) -> str:
    """The RFC 6381 name of an H.264 stream: avc1, profile_idc, constraint flags, level_idc. Example: avc1.64001F."""
    return f"avc1.{PROFILE_BYTES[profile]}{idc:02X}"
