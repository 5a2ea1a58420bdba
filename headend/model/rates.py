"""How a bit rate grows from what is typed to what travels: encoder headroom, buffer, container."""

from __future__ import annotations

# The encoder may exceed its average by a tenth: "110 % constrained VBR" is the usual choice for live ladders. How far a
# live peak may exceed BANDWIDTH is Apple's HLS Authoring Specification's to say; it is quoted with 10 % and with 25 %.
MAXRATE_PERCENT = 110

# One second of maxrate. The buffer is what a segment may exceed BANDWIDTH by. Measured with libx264 at 2000 kbit/s, a
# still picture cut to noise, segments of 2 s: the worst segment is 11 % above BANDWIDTH with one second of buffer,
# 32 % with one and a half, 50 % with two.
BUFFER_SECONDS = 1

# An MPEG-TS packet carries 184 bytes of payload in 188 (ISO/IEC 13818-1).
TS_PACKET_BYTES = 188
TS_PAYLOAD_BYTES = 184

# PES headers, stuffing at the end of each frame, PAT and PMT. Measured with FFmpeg's HLS muxer beyond 188/184:
# 32 kbit/s at 30 frames per second, 61 to 64 kbit/s at 60, the same from 256x144 to 1280x720.
TS_TABLES_BPS = 50_000


def in_transport_stream(payload_bps: int) -> int:
    """Bits per second of MPEG-TS that carry `payload_bps` of audio and video."""
    return payload_bps * TS_PACKET_BYTES // TS_PAYLOAD_BYTES + TS_TABLES_BPS
