"""The packets of a film, in an endless row."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream


def tracks(source: InputContainer) -> list[VideoStream | AudioStream]:
    """What is published of a film: its first video and its first audio stream."""
    return [*source.streams.video[:1], *source.streams.audio[:1]]


def moment(packet: Packet[Any]) -> Fraction:
    """When a packet is due, in seconds of the film; only for packets that have a time."""
    return (packet.dts or 0) * packet.time_base


def endless(source: InputContainer) -> Iterator[Packet[Any]]:
    """The film's packets, again and again, as if it were one film without end."""
    offset = Fraction(0)
    while True:
        start: Fraction | None = None
        end = offset
        for packet in source.demux(tracks(source)):
            if packet.dts is None or packet.pts is None:
                continue
            base = packet.time_base
            start = moment(packet) if start is None else start
            shift = round((offset - start) / base)
            packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
            end = max(end, moment(packet) + (packet.duration or 0) * base)
            yield packet
        if end == offset:
            raise EOFError
        offset = end
        source.seek(0)
