"""Encoders of a test: started at will, and gone afterwards with the stream off air."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from testbed.origin import Origin
from testbed.publisher import Publisher


class Publish(Protocol):
    """Starts an encoder with a key."""

    def __call__(self, secret: str, reconnect: float | None = None) -> Publisher: ...


@contextmanager
def encoders(origin: Origin, film: Path, folder: Path) -> Iterator[Publish]:
    """A function that starts encoders of `film`; their logs go to `folder`."""
    started: list[Publisher] = []

    def publish(secret: str, reconnect: float | None = None) -> Publisher:
        log = folder / f"publisher-{len(started)}.jsonl"
        started.append(Publisher.start(film, origin.publish_url(secret), log, reconnect))
        return started[-1]

    try:
        yield publish
    finally:
        for publisher in started:
            publisher.stop()
    if any(publisher.on_air() for publisher in started):
        origin.wait_state("offline", "ended")
