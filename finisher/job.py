"""What is to be done: job.json. Its names become names of files here, so nothing strange gets past this module."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from typing import Any

from finisher.fault import FaultError

NAME = "job.json"
MAX_BYTES = 1024 * 1024

MAX_PARTS = 10_000

_FOLDER = re.compile(r"/(?:[^/\0]+/)*(?P<recording>\d{1,18})", re.ASCII)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_START = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_PART = re.compile(
    r"(?P<slug>[a-z0-9][a-z0-9-]{0,39})-\d{1,12}-(?P<client>\d{1,12})-(?P<number>\d{1,6})\.flv", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PartName:
    """SLUG-UNIXSECONDS-CLIENT-NUMBER.flv, as nginx-rtmp names what it records."""

    name: str
    client: int
    """nginx's number of the publisher's connection."""
    number: int
    """1, 2, … within that connection."""

    def follows(self, other: PartName | None) -> bool:
        """Whether not a frame lies between the two: the same connection, and the next number."""
        return other is not None and (self.client, self.number) == (other.client, other.number + 1)


@dataclass(frozen=True, slots=True)
class Job:
    """One recording."""

    recording: int
    slug: str
    start: str
    """When it began, as it stands in names: 20261128T063100Z."""
    parts: tuple[PartName, ...]
    """In the order in which they were recorded."""
    strip: bool
    vod: bool
    reserve_bytes: int = 0
    """So much of the disk must be left, for what is recorded meanwhile."""

    @property
    def stem(self) -> str:
        """What the names of all that is made begin with."""
        return f"{self.slug}-{self.start}"


def recording_of(folder: str) -> int:
    """Id of the recording whose folder that is. Raises ValueError with one sentence."""
    match = _FOLDER.fullmatch(folder)
    if match is None or ".." in folder.split("/"):
        raise ValueError(f"{folder}: not an absolute path that ends in a recording's number")
    return int(match["recording"])


def open_part(name: str) -> int:
    """Descriptor of a file of this folder, to read. Raises FaultError for a link, a device, a second name."""
    try:
        # O_NONBLOCK: a FIFO must not hold us until somebody writes.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FaultError(f"{name} cannot be opened: {error.strerror}") from None
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
        os.close(descriptor)
        raise FaultError(f"{name} is not a file of its own")
    return descriptor


def read(recording: int) -> Job:
    """The job of this folder. Raises FaultError."""
    with open(open_part(NAME), "rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise FaultError(f"{NAME} is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise FaultError(f"{NAME} is not JSON") from None
    job = parse(document)
    if job.recording != recording:
        raise FaultError(f"{NAME} is about recording {job.recording}, and this is the folder of {recording}")
    return job


def parse(document: object) -> Job:
    """The job that a document says. Raises FaultError."""
    if not isinstance(document, dict):
        raise FaultError(f"{NAME} is not an object")
    unknown = sorted(set(document) - {"recording", "slug", "start", "parts", "strip", "vod", "reserve_bytes"})
    if unknown:
        raise FaultError(f"{NAME}: unknown key {unknown[0][:40]!r}")
    recording = document.get("recording")
    if not isinstance(recording, int) or isinstance(recording, bool) or recording < 0:
        raise FaultError(f"{NAME}: recording is not a number")
    slug = _text(document, "slug", _SLUG)
    return Job(
        recording=recording,
        slug=slug,
        start=_text(document, "start", _START),
        parts=_parts(document.get("parts"), slug),
        strip=_switch(document, "strip", default=True),
        vod=_switch(document, "vod", default=False),
        reserve_bytes=_bytes(document, "reserve_bytes"),
    )


def _text(document: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = document.get(key)
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise FaultError(f"{NAME}: {key} is missing or strange")
    return value


def _switch(document: dict[str, Any], key: str, *, default: bool) -> bool:
    value = document.get(key, default)
    if not isinstance(value, bool):
        raise FaultError(f"{NAME}: {key} is neither true nor false")
    return value


def _bytes(document: dict[str, Any], key: str) -> int:
    value = document.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FaultError(f"{NAME}: {key} is not a number of bytes")
    return value


def _parts(value: object, slug: str) -> tuple[PartName, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_PARTS:
        raise FaultError(f"{NAME}: parts is not a list of 1 to {MAX_PARTS} names")
    parts: list[PartName] = []
    for name in value:
        match = _PART.fullmatch(name) if isinstance(name, str) else None
        if match is None or match["slug"] != slug:
            raise FaultError(f"{NAME}: part {len(parts) + 1} is not the name of a part of {slug}")
        parts.append(PartName(name, int(match["client"]), int(match["number"])))
    if len({part.name for part in parts}) < len(parts):
        raise FaultError(f"{NAME}: a part is named twice")
    return tuple(parts)
