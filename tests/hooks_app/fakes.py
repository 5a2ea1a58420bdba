"""Stand-ins for what needs a host: systemd, nginx's stat page, encoders' files and time. Everything else is real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from headend.model.facts import StreamFacts
from hooks_app.stat_page import StatPage, StatPageError, Streaming
from hooks_app.units import UnitError


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    elapsed: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


@dataclass
class FakeIngest:
    """nginx: who publishes and who is attached, by slug."""

    streams: dict[str, Streaming] = field(default_factory=dict)
    fault: StatPageError | None = None
    numbers: int = 100

    def read(self) -> StatPage:
        if self.fault:
            raise self.fault
        return StatPage(dict(self.streams))

    def publish(self, slug: str, client: int) -> None:
        self.streams[slug] = Streaming(publisher=client, encoders=self._of(slug).encoders)

    def unpublish(self, slug: str) -> None:
        self.streams[slug] = Streaming(encoders=self._of(slug).encoders)

    def attach(self, slug: str) -> None:
        self.numbers += 1
        self.streams[slug] = Streaming(publisher=self._of(slug).publisher, encoders=frozenset({self.numbers}))

    def detach(self, slug: str) -> None:
        self.streams[slug] = Streaming(publisher=self._of(slug).publisher)

    def _of(self, slug: str) -> Streaming:
        return self.streams.get(slug, Streaming())


@dataclass
class FakeUnits:
    """systemd: `restarted` is told of each fresh encoder, as nginx would be."""

    restarted: Callable[[str], None]
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

    def running(self) -> frozenset[str]:
        return frozenset(self.up)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.broken:
            raise UnitError("systemd is away")


@dataclass
class FakeMedia:
    """The media root: since when each stream is playable, and its newest segment."""

    written: dict[str, datetime] = field(default_factory=dict)
    segments: dict[str, str] = field(default_factory=dict)

    def playable(self, stream: StreamFacts, since: datetime) -> bool:
        return stream.slug in self.written and self.written[stream.slug] >= since

    def newest(self, stream: StreamFacts) -> tuple[str | None, ...]:
        return (self.segments.get(stream.slug),) * len(stream.renditions)


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
