"""A publisher's messages, and a recorder that writes FLV parts as nginx-rtmp does (ngx_rtmp_record_module.c)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

AUDIO, VIDEO = 8, 9


class Message(NamedTuple):
    """What a publisher sends: a frame or a codec's configuration, as in FLV."""

    kind: int
    milliseconds: int
    body: bytes

    @property
    def is_configuration(self) -> bool:
        return self.body[1] == 0

    @property
    def is_frame(self) -> bool:
        return self.body[1] == 1

    @property
    def is_key(self) -> bool:
        """What nginx-rtmp takes for a keyframe; a configuration of the picture is one, too."""
        return self.kind == VIDEO and self.body[0] >> 4 == 1

    @property
    def payload(self) -> bytes:
        """As it stands in an MP4."""
        return self.body[5:] if self.kind == VIDEO else self.body[2:]

    @property
    def shown(self) -> int:
        """When it is shown or heard, in milliseconds."""
        return self.milliseconds + (int.from_bytes(self.body[2:5], "big", signed=True) if self.kind == VIDEO else 0)


def messages(media: Path, *options: str) -> list[Message]:
    """A file as FFmpeg publishes it."""
    with TemporaryDirectory(prefix="headend-flv-") as folder:
        path = Path(folder, "whole.flv")
        argv = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(media), "-c", "copy", *options, "-f", "flv", str(path)]
        subprocess.run(argv, check=True)
        return read(path)


def read(path: Path) -> list[Message]:
    """The messages of a whole FLV, but for the words about it."""
    data = path.read_bytes()
    found = []
    at = 13
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        time = int.from_bytes(data[at + 7 : at + 8] + data[at + 4 : at + 7], "big")
        if data[at] in (AUDIO, VIDEO) and data[at + 11 + 1] < 2:
            found.append(Message(data[at], time, data[at + 11 : at + 11 + size]))
        at += 11 + size + 4
    return found


def frames(parts: Iterable[Path], kind: int) -> list[Message]:
    """The frames of whole parts, each with its part's own time."""
    return [one for path in parts for one in read(path) if one.kind == kind and one.is_frame]


@dataclass
class _Part:
    name: str
    epoch: int = 0
    data: bytearray = field(default_factory=bytearray)
    sent: set[int] = field(default_factory=set)
    key_sent: bool = False


class Recorder:
    """One publisher's connection, recorded; a part ends at the first keyframe after so long."""

    def __init__(
        self,
        folder: Path,
        *,
        client: int = 17,
        seconds: float | None = None,
        at: int = 1_764_311_460,
        slug: str = "demo",
    ) -> None:
        self.names: list[str] = []
        self._folder = folder
        self._client = client
        self._seconds = seconds
        self._at = at
        self._slug = slug
        self._configurations: dict[int, bytes] = {}
        self._part: _Part | None = None
        self._clock = 0
        self._opened = 0

    def record(self, sent: Iterable[Message]) -> list[str]:
        """Everything of a connection; the names of the parts."""
        for message in sent:
            self._take(message)
        self.close()
        return self.names

    def close(self) -> None:
        """The part that is open ends."""
        if self._part is not None:
            part, self._part = self._part, None
            if part.data:
                part.data[4] = sum(1 if kind == VIDEO else 4 for kind in part.sent)
            (self._folder / part.name).write_bytes(part.data)

    def _take(self, message: Message) -> None:
        # Time of arrival: the publisher's clock may say anything.
        if message.is_configuration:
            self._configurations[message.kind] = message.body
        if message.is_key:
            due = self._seconds is not None and self._clock > self._opened + self._seconds * 1000
            if due or self._part is None:
                self.close()
                self._opened = self._clock
                self.names.append(
                    f"{self._slug}-{self._at + self._clock // 1000}-{self._client}-{len(self.names) + 1}.flv"
                )
                self._part = _Part(self.names[-1])
        if message.kind == VIDEO and message.is_frame:
            self._clock += 33
        if self._part is not None:
            self._write(self._part, message)

    def _write(self, part: _Part, message: Message) -> None:
        if not part.data:
            part.epoch = message.milliseconds
            part.data += b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)
        for kind in (AUDIO, VIDEO):
            if kind not in part.sent and kind in self._configurations:
                _append(part, Message(kind, message.milliseconds, self._configurations[kind]))
                part.sent.add(kind)
        if message.kind not in part.sent:
            return
        part.key_sent = part.key_sent or (message.is_key and not message.is_configuration)
        if message.kind == AUDIO or part.key_sent:
            _append(part, message)


def _append(part: _Part, message: Message) -> None:
    since = (message.milliseconds - part.epoch) % 2**32
    # As the C does: int32_t below 0 becomes 0.
    part.data += tag(message.kind, since if since < 2**31 else 0, message.body)


def tag(kind: int, milliseconds: int, body: bytes) -> bytes:
    """One tag of FLV with its size after it."""
    time = milliseconds.to_bytes(4, "big")
    head = bytes((kind,)) + len(body).to_bytes(3, "big") + time[1:] + time[:1] + bytes(3)
    return head + body + (11 + len(body)).to_bytes(4, "big")


def whole(sent: Sequence[Message]) -> bytes:
    """An FLV of these messages as they are."""
    return b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4) + b"".join(tag(*one) for one in sent)
