"""The parts of a spec that are right on their own, so that lints run even where other parts are faulty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from headend.fault import Location
from headend.model.base import Model
from headend.model.ladder import Ladder, Picture, Rendition, SourceRendition
from headend.model.spec import Ingest, Site, Stream

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


def parts_of(data: Any) -> Parts:
    """The readable parts of a spec's plain data."""
    spec = mapping(data)
    given = spec.get("ladders", {"default": {}})
    streams = texts(Stream, ("streams",), spec.get("streams"))
    site = texts(Site, ("site",), spec.get("site"))
    ingest = texts(Ingest, ("ingest",), {"allow_publish": ["0.0.0.0/0", "::/0"], **mapping(spec.get("ingest"))})
    return Parts(
        public_url=[text for text in site if text[0][-1] == "public_url"],
        time_zone=[text for text in site if text[0][-1] == "time_zone"],
        ladders=[ladder_part(("ladders", name), mapping(ladder)) for name, ladder in mapping(given).items()],
        ladder_names=list(given) if isinstance(given, dict) else None,
        slugs=[text for text in streams if text[0][-1] == "slug"],
        stream_ladders=[text for text in streams if text[0][-1] == "ladder"],
        allow_publish=[text for text in ingest if text[0][1] == "allow_publish"],
        deny_publish=[text for text in ingest if text[0][1] == "deny_publish"],
    )


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
