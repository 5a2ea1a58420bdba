"""Stand-ins for what needs a host: systemd, nginx's stat page, encoders' files and time. Everything else is real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from headend.model.facts import StreamFacts
from hooks_app.dropper import DropError
from hooks_app.publisher import IngestProtocol
from hooks_app.stat_page import StatPage, StatPageError, Streaming
from hooks_app.units import UnitError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps; the wall clock can be set."""

    elapsed: float = 0.0
    stepped: float = 0.0
    booted: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.elapsed + self.stepped)

    def monotonic(self) -> float:
        return self.elapsed - self.booted

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds

    def step(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.stepped += seconds

    def reboot(self, after_seconds: float) -> None:
        """The machine is off for so long."""
        self.elapsed += after_seconds
        self.booted = self.elapsed


CODECS = {"video": "H264", "width": 1280, "height": 720, "frame_rate": 30.0, "audio": "AAC"}


@dataclass
class FakeIngest:
    """nginx's stat and control pages: who publishes and who is attached, by slug."""

    streams: dict[str, Streaming] = field(default_factory=dict)
    fault: StatPageError | None = None
    numbers: int = 100
    dropped: list[str] = field(default_factory=list)
    undroppable: bool = False

    def read(self) -> StatPage:
        if self.fault:
            raise self.fault
        return StatPage(dict(self.streams))

    def publish(self, slug: str, client: int, protocol: IngestProtocol = IngestProtocol.RTMP) -> None:
        self.send(slug)
        self.streams[slug] = replace(self._of(slug), publisher=client, protocol=protocol, codecs=dict(CODECS))

    def send(self, slug: str) -> None:
        """Bytes arrive."""
        self.streams[slug] = replace(self._of(slug), bytes_in=self._of(slug).bytes_in + 1000)

    def drop(self, slug: str) -> bool:
        """The control page."""
        self.dropped.append(slug)
        if self.undroppable:
            raise DropError("control page answered 500")
        was = self._of(slug).publisher is not None
        self.unpublish(slug)
        return was

    def unpublish(self, slug: str) -> None:
        self.streams[slug] = Streaming(encoders=self._of(slug).encoders, bytes_in=self._of(slug).bytes_in)

    def attach(self, slug: str) -> None:
        self.numbers += 1
        self.streams[slug] = replace(self._of(slug), encoders=frozenset({self.numbers}))

    def detach(self, slug: str) -> None:
        self.streams[slug] = replace(self._of(slug), encoders=frozenset())

    def _of(self, slug: str) -> Streaming:
        return self.streams.get(slug, Streaming())


@dataclass
class FakeUnits:
    """systemd: `restarted` is told of each fresh encoder, as nginx would be."""

    restarted: Callable[[str], None]
    finished: Callable[[str], None]
    up: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    broken: bool = False

    def restart(self, slug: str) -> None:
        self._called(f"restart {slug}")
        self.up.add(slug)
        self.restarted(slug)

    def stop(self, slug: str) -> None:
        self._called(f"stop {slug}")
        self.up.discard(slug)

    def finish(self, slug: str) -> None:
        self._called(f"finish {slug}")
        self.up.discard(slug)
        self.finished(slug)

    def running(self) -> frozenset[str]:
        return frozenset(self.up)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.broken:
            raise UnitError("systemd is away")


@dataclass
class FakeMedia:
    """The media root: each stream's newest segment, the same in every rendition, and who has end tags."""

    segments: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def write(self, slug: str, segment: str) -> None:
        """An encoder finishes a segment."""
        self.segments[slug] = segment
        self.ended.discard(slug)

    def playable(self, stream: StreamFacts, before: Sequence[str]) -> bool:
        segment = self.segments.get(stream.slug)
        return segment is not None and all(segment != old for old in before)

    def newest(self, stream: StreamFacts) -> tuple[str | None, ...]:
        return (self.segments.get(stream.slug),) * len(stream.renditions)

    def finished(self, stream: StreamFacts) -> bool:
        return stream.slug not in self.segments or stream.slug in self.ended

    def ages_seconds(self, stream: StreamFacts) -> tuple[float | None, ...]:
        return (1.5 if stream.slug in self.segments else None,) * len(stream.renditions)


SESSION = (
    ("app", "live"),
    ("flashver", "FMLE/3.0 (compatible; FMSc/1.0)"),
    ("swfurl", ""),
    ("tcurl", "rtmp://origin.example.org:1935/live"),
    ("pageurl", ""),
    ("addr", "203.0.113.9"),
)


def publish_pairs(name: str = "demo", client: int = 7, **changed: str) -> list[tuple[str, str]]:
    """nginx-rtmp's own fields of on_publish, in its order."""
    pairs = [*SESSION, ("clientid", str(client)), ("call", "publish"), ("name", name), ("type", "live")]
    return [(field_name, changed.get(field_name, value)) for field_name, value in pairs]


def body(pairs: list[tuple[str, str]], query: str = "") -> bytes:
    """The form as nginx-rtmp sends it: its own values escaped, the publisher's query as it came."""
    return (
        "&".join(f"{name}={quote(value, safe='=/:')}" for name, value in pairs) + (f"&{query}" if query else "")
    ).encode()


def publish_body(key: str, name: str = "demo", client: int = 7, **changed: str) -> bytes:
    """An honest on_publish body."""
    return body(publish_pairs(name, client, **changed), f"key={key}")


def done_body(key: str, name: str = "demo", client: int = 7) -> bytes:
    """An honest on_publish_done body: without `type`."""
    pairs = [pair for pair in publish_pairs(name, client, call="publish_done") if pair[0] != "type"]
    return body(pairs, f"key={key}")


SRT = (
    ("protocol", "srt"),
    ("key_id", "11f74f79"),
    ("mode", "encrypted"),
    ("nonce", "-"),
    ("peer", "203.0.113.9:40000"),
)


def srt_query(key_id: str, **changed: str) -> str:
    """What the remuxer adds: raw, as it stands in its URL."""
    values = {**dict(SRT), "key_id": key_id, **changed}
    return "&".join(f"{name}={values[name]}" for name, _ in SRT)


def srt_publish_body(key_id: str, client: int = 7, **changed: str) -> bytes:
    """An honest on_publish body over the unix socket."""
    pairs = publish_pairs(changed.pop("name", "demo"), client, addr=changed.pop("addr", "unix:"))
    return body(pairs, srt_query(key_id, **changed))


def srt_done_body(key_id: str, client: int = 7) -> bytes:
    """An honest on_publish_done body over the unix socket: without `type`."""
    pairs = [pair for pair in publish_pairs("demo", client, addr="unix:", call="publish_done") if pair[0] != "type"]
    return body(pairs, srt_query(key_id))
