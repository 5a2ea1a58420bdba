"""The words of a site's own: the folder beside the spec, read, tried out, and told what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headend.announcing.channel import Channel
from headend.announcing.defaults import default_templates
from headend.announcing.occasion import Occasion
from headend.announcing.story import Story
from headend.announcing.words import ANY, Templates, WordsError, faults, fill
from headend.fault import Fault, Place
from headend.near import nearest

MAX_BYTES = 16_384
CHANNELS = (ANY, *(channel.value for channel in Channel))
OCCASIONS = tuple(occasion.value for occasion in Occasion)

Words = dict[str, dict[str, str]]


def merged(own: Templates) -> Words:
    """The site's own words over those that Headend brings."""
    defaults = default_templates()
    return {channel: {**defaults.get(channel, {}), **own.get(channel, {})} for channel in sorted({*defaults, *own})}


def read_words(folder: Path) -> tuple[Words, list[Fault]]:
    """What the folder has, by channel and occasion, and everything that is wrong with it."""
    found: Words = {}
    wrong: list[Fault] = []
    if not folder.is_dir():
        return {}, [_fault(folder, "there is no such folder", "Make it beside the spec, or remove 'templates'")]
    for path in sorted(folder.rglob("*.j2")):
        channel, occasion = path.parent.name, path.stem
        if path.parent.parent != folder or channel not in CHANNELS:
            near = nearest(channel, CHANNELS)
            hint = f"Did you mean '{near}'?" if near else f"Channels: {', '.join(CHANNELS)}"
            wrong.append(_fault(path, f"'{channel}' is no channel", hint))
        elif occasion not in OCCASIONS:
            near = nearest(occasion, OCCASIONS)
            hint = f"Did you mean '{near}'?" if near else f"Occasions: {', '.join(OCCASIONS)}"
            wrong.append(_fault(path, f"'{occasion}' is no occasion", hint))
        else:
            wrong += _read(path, channel, occasion, found)
    return found, wrong


def sample(occasion: Occasion, **changed: object) -> Story:
    """A made-up broadcast, for trying words out."""
    start = datetime(2026, 12, 1, 19, 0, tzinfo=UTC)
    over = occasion in {Occasion.ENDED, Occasion.RECAP}
    known: dict[str, object] = {
        "stream": "coffee-and-stocks",
        "title": "Open bell with Jo",
        "description": "What moves the market today.",
        "live_url": "https://live.example.org/watch/coffee-and-stocks",
        "playlist_url": "https://live.example.org/streams/coffee-and-stocks/index.m3u8",
        "poster_url": "https://live.example.org/streams/coffee-and-stocks/poster.jpg",
        "starts_at": start,
        "ends_at": start + timedelta(minutes=65),
        "live_at": start if over else None,
        "ended_at": start + timedelta(minutes=65) if over else None,
        "minutes": 10 if occasion is Occasion.COUNTDOWN else None,
        "peak_viewers": 120 if over else None,
        "items": ("Open bell is live", "Open bell: what you missed") if occasion is Occasion.DIGEST else (),
    }
    return Story.model_validate({**known, **changed})


def _read(path: Path, channel: str, occasion: str, found: Words) -> Iterator[Fault]:
    try:
        data = path.read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError):
        yield _fault(path, "cannot be read as text", "Save it as UTF-8")
        return
    if len(data) > MAX_BYTES:
        yield _fault(path, f"has {len(data)} bytes", f"Use at most {MAX_BYTES}")
        return
    found.setdefault(channel, {})[occasion] = text
    seen: set[str] = set()
    for place in Channel if channel == ANY else (Channel(channel),):
        for problem in _problems(text, place, Occasion(occasion)):
            # `any` is tried at every place; one that has words of its own does not see it.
            if problem not in seen and not (channel == ANY and (path.parent.parent / place.value / path.name).exists()):
                seen.add(problem)
                yield _fault(path, problem, "Correct the template; headend announce --preview shows what it says")


def _problems(text: str, channel: Channel, occasion: Occasion) -> Iterator[str]:
    try:
        words = fill(text, channel, sample(occasion))
        # A template must also do without what a broadcast may not have.
        fill(text, channel, sample(occasion, description="", poster_url=None, ends_at=None, peak_viewers=None))
    except WordsError as error:
        yield str(error)
        return
    yield from faults(words, channel)


def _fault(path: Path, fault: str, remedy: str) -> Fault:
    return Fault(Place(str(path), 1, 1), "", fault, remedy)
