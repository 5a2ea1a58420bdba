"""The parts of a spec that are right on their own, so that lints run even where other parts are faulty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from headend.fault import Location
from headend.model.announcements import Destination, Outbound
from headend.model.base import Model
from headend.model.ladder import Ladder, Picture, Rendition, SourceRendition
from headend.model.recordings import Archive, Keep, Recordings, Replay
from headend.model.spec import Ingest, Site, Srt, Stream

M = TypeVar("M", bound=Model)
Rung = tuple[Location, Picture]
Text = tuple[Location, str]
RUNG_KEYS = ("source", "renditions")


@dataclass(frozen=True, slots=True)
class LadderPart:
    """A ladder: its clock if that is right, and those of its rungs that are."""

    location: Location
    clock: Ladder | None
    """The ladder's own numbers; its rungs are not the file's."""
    rungs: list[Rung]


@dataclass(frozen=True, slots=True)
class Parts:
    """What could be read of a spec. Texts keep their location in the file."""

    public_url: list[Text]
    time_zone: list[Text]
    ladders: list[LadderPart]
    ladder_names: list[str] | None
    """Every name that the file gives, also of faulty ladders; None when it cannot be known."""
    slugs: list[Text]
    stream_ladders: list[Text]
    """The ladder that each stream names, or would have by default."""
    allow_publish: list[Text]
    deny_publish: list[Text]
    srt: Srt | None
    """None when it could not be read."""
    stream_admits: list[Text]
    """How SRT callers may come in, of those streams that say so."""
    destinations: list[tuple[Location, Destination]]
    """Those that could be read whole."""
    allow_outbound: list[Text]
    records: bool | None
    """Whether anything is recorded; None when it cannot be known."""
    archive: Archive | None
    """None when there is none, or it could not be read whole."""
    keep: Keep | None
    replay: Replay | None


def parts_of(data: Any) -> Parts:
    """The readable parts of a spec's plain data."""
    spec = mapping(data)
    given = spec.get("ladders", {"default": {}})
    streams = texts(Stream, ("streams",), spec.get("streams"))
    site = texts(Site, ("site",), spec.get("site"))
    ingest = texts(Ingest, ("ingest",), {"allow_publish": ["0.0.0.0/0", "::/0"], **mapping(spec.get("ingest"))})
    recordings = mapping(spec.get("recordings"))
    announcements = mapping(spec.get("announcements"))
    listed = announcements.get("destinations")
    items = [
        (("announcements", "destinations", index), item)
        for index, item in enumerate(listed if isinstance(listed, list) else [])
    ]
    return Parts(
        public_url=[text for text in site if text[0][-1] == "public_url"],
        time_zone=[text for text in site if text[0][-1] == "time_zone"],
        ladders=[ladder_part(("ladders", name), mapping(ladder)) for name, ladder in mapping(given).items()],
        ladder_names=list(given) if isinstance(given, dict) else None,
        slugs=[text for text in streams if text[0][-1] == "slug"],
        stream_ladders=[text for text in streams if text[0][-1] == "ladder"],
        allow_publish=[text for text in ingest if text[0][1] == "allow_publish"],
        deny_publish=[text for text in ingest if text[0][1] == "deny_publish"],
        srt=read(Srt, mapping(spec.get("ingest")).get("srt", {})),
        destinations=[(place, read_) for place, item in items if (read_ := read(Destination, item)) is not None],
        allow_outbound=texts(Outbound, ("announcements", "outbound"), mapping(announcements.get("outbound"))),
        stream_admits=[text for text in streams if text[0][-1] == "srt_admit" and text[1] != "site"],
        records=recorded(recordings.get("record", Recordings().record), spec.get("streams"), streams),
        archive=read(Archive, recordings.get("archive")),
        keep=read(Keep, recordings.get("keep", {})),
        replay=read(Replay, recordings.get("replay", {})),
    )


def recorded(by_default: Any, given: Any, streams: list[Text]) -> bool | None:
    """Whether anything is recorded, by the site's word and by those of the streams that could be read."""
    words = [text for location, text in streams if location[-1] == "record"]
    if by_default is True or "always" in words:
        return True
    known = by_default is False and isinstance(given, list) and len(words) == len(given)
    return False if known else None


def ladder_part(location: Location, ladder: dict[str, Any]) -> LadderPart:
    clock = read(Ladder, {key: value for key, value in ladder.items() if key not in RUNG_KEYS})
    rungs: list[Rung] = []
    if source := read(SourceRendition, ladder.get("source")):
        rungs.append(((*location, "source"), source))
    if "renditions" in ladder:
        items = ladder["renditions"] if isinstance(ladder["renditions"], list) else []
        found = [((*location, "renditions", index), read(Rendition, item)) for index, item in enumerate(items)]
        rungs += [(place, rendition) for place, rendition in found if rendition is not None]
    else:
        rungs += [((*location, "renditions", index), rendition) for index, rendition in enumerate(Ladder().renditions)]
    return LadderPart(location, clock, rungs)


def texts(model: type[Model], location: Location, data: Any) -> list[Text]:
    """Every text of a mapping, or of a list of mappings, that the model has no fault with; also inside its lists."""
    if isinstance(data, list):
        return [text for index, item in enumerate(data) for text in texts(model, (*location, index), item)]
    faulty = faults_of(model, data)
    values = {key: field.default for key, field in model.model_fields.items() if isinstance(data, dict)}
    values |= mapping(data)
    found: list[Text] = []
    for key, value in values.items():
        if isinstance(value, str):
            found.append(((key,), value))
        elif isinstance(value, list):
            found += [((key, index), item) for index, item in enumerate(value) if isinstance(item, str)]
    return [
        ((*location, *inner), text) for inner, text in found if inner[0] in model.model_fields and inner not in faulty
    ]


def faults_of(model: type[Model], data: Any) -> set[Location]:
    """Where the model finds faults in the data."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        return {detail["loc"] for detail in error.errors(include_url=False)}
    return set()


def read(model: type[M], data: Any) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def mapping(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}
