"""nginx-rtmp's stat page: the truth about who publishes and who is attached."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Protocol
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

TIMEOUT_SECONDS = 0.5


class StatPageError(Exception):
    """The stat page did not answer, or not with what it should: nothing is known."""


class IngestDownError(StatPageError):
    """Nobody listens on the stat page's port: nginx is down, and with it every publisher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """Who is connected to one stream, by nginx's connection numbers."""

    publisher: int | None = None
    encoders: frozenset[int] = frozenset()
    """Players on loopback. Others, if a configuration let them in, are not ours."""


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
    publisher, encoders = None, set()
    for client in stream.iterfind("client"):
        number = int(client.findtext("id", ""))
        if client.find("publishing") is not None:
            publisher = number
        elif ipaddress.ip_address(client.findtext("address", "")).is_loopback:
            encoders.add(number)
    return Streaming(publisher=publisher, encoders=frozenset(encoders))
