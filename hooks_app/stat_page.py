"""nginx-rtmp's stat page: the truth about who publishes and who is attached."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final, Protocol
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from hooks_app.form import UNIX_ADDRESS
from hooks_app.publisher import IngestProtocol

TIMEOUT_SECONDS = 0.5


class StatPageError(Exception):
    """The stat page did not answer, or not with what it should: nothing is known."""


class IngestDownError(StatPageError):
    """Nobody listens on the stat page's port: nginx is down, and with it every publisher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """Who is connected to one stream, by nginx's connection numbers."""

    publisher: int | None = None
    protocol: IngestProtocol = IngestProtocol.RTMP
    """The publisher's: on nginx's unix socket there are only the remuxers of SRT callers."""
    encoders: frozenset[int] = frozenset()
    """Players on loopback. Others, if a configuration let them in, are not ours."""
    bytes_in: int = 0
    """From the publisher, since the stream was first seen."""
    bits_in_per_second: int = 0
    """From the publisher, over the last ten seconds."""
    codecs: dict[str, str | int | float] | None = None
    """What the publisher sends: video, profile, width, height, frame_rate, audio, channels, sample_rate_hz."""


@dataclass(frozen=True, slots=True)
class StatPage:
    """One look at the stat page: every stream that has any client."""

    streams: dict[str, Streaming] = field(default_factory=dict)

    def of(self, slug: str) -> Streaming:
        """Who is connected to a stream; nobody, where nginx does not list it."""
        return self.streams.get(slug, Streaming())


class StatReader(Protocol):
    """Reads the stat page."""

    def read(self) -> StatPage:
        """One look. Raises StatPageError, IngestDownError."""
        ...


class HttpStatReader:
    """The real stat page, on loopback."""

    def __init__(self, url: str, application: str) -> None:
        self._url = url
        self._application = application

    def read(self) -> StatPage:
        """One look. Raises StatPageError, IngestDownError."""
        # A connection of its own each time: a kept one outlives the nginx worker that was killed.
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(self._url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            except requests.Timeout as error:
                raise StatPageError("stat page timed out") from error
            except requests.ConnectionError as error:
                raise IngestDownError("stat page refused the connection") from error
            except requests.RequestException as error:
                raise StatPageError("stat page unreadable") from error
        if answer.status_code != 200:
            raise StatPageError(f"stat page answered {answer.status_code}")
        return parse_stat(answer.content, self._application)


def parse_stat(document: bytes, application: str) -> StatPage:
    """The streams of one RTMP application. Raises StatPageError on anything but nginx-rtmp's XML."""
    try:
        root = fromstring(document, forbid_dtd=True)
        applications = [node for node in root.iter("application") if node.findtext("name") == application]
        streams = [node for parent in applications for node in parent.iterfind("live/stream")]
        return StatPage({node.findtext("name", ""): _streaming(node) for node in streams})
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise StatPageError("stat page is not nginx-rtmp's XML") from error


def _streaming(stream: Element) -> Streaming:
    publisher, protocol, encoders = None, IngestProtocol.RTMP, set()
    for client in stream.iterfind("client"):
        number, address = int(client.findtext("id", "")), client.findtext("address", "")
        if client.find("publishing") is not None:
            publisher = number
            protocol = IngestProtocol.SRT if address == UNIX_ADDRESS else IngestProtocol.RTMP
        # An encoder plays over TCP; whoever plays over the unix socket is none of ours.
        elif address != UNIX_ADDRESS and ipaddress.ip_address(address).is_loopback:
            encoders.add(number)
    return Streaming(
        publisher=publisher,
        protocol=protocol,
        encoders=frozenset(encoders),
        bytes_in=int(stream.findtext("bytes_in", "0")),
        bits_in_per_second=int(stream.findtext("bw_in", "0")),
        codecs=_codecs(stream) if publisher is not None else None,
    )


_CODECS: Final[tuple[tuple[str, str, type[str] | type[int] | type[float]], ...]] = (
    ("video", "video/codec", str),
    ("profile", "video/profile", str),
    ("width", "video/width", int),
    ("height", "video/height", int),
    ("frame_rate", "video/frame_rate", float),
    ("audio", "audio/codec", str),
    ("channels", "audio/channels", int),
    ("sample_rate_hz", "audio/sample_rate", int),
)


def _codecs(stream: Element) -> dict[str, str | int | float] | None:
    meta = stream.find("meta")
    if meta is None:
        return None
    # 32 characters: a codec's name is nginx's own word, but a database column is no place to find out otherwise.
    found = {name: kind(text[:32]) for name, path, kind in _CODECS if (text := meta.findtext(path))}
    return found or None
