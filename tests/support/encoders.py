"""Encoders of a test: started at will, and gone afterwards with the stream off air."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testbed.origin import Origin
from testbed.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Publish:
    """Starts encoders of a film; their logs go to `folder`."""

    origin: Origin
    film: Path
    folder: Path
    started: list[Publisher] = field(default_factory=list)

    def __call__(self, secret: str, reconnect: float | None = None) -> Publisher:
        """An encoder that publishes over RTMP with this key."""
        return self.to(self.origin.publish_url(secret), reconnect)

    def to(self, url: str, reconnect: float | None = None) -> Publisher:
        """An encoder that publishes to this address."""
        log = self.folder / f"publisher-{len(self.started)}.jsonl"
        self.started.append(Publisher.start(self.film, url, log, reconnect))
        return self.started[-1]


@contextmanager
def encoders(origin: Origin, film: Path, folder: Path) -> Iterator[Publish]:
    """Whoever starts encoders here finds them gone in the end."""
    publish = Publish(origin, film, folder)
    try:
        yield publish
    finally:
        for publisher in publish.started:
            publisher.stop()
    if any(publisher.on_air() for publisher in publish.started):
        origin.wait_off_air()
