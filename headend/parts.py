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
    """What could be read of a spec."""

    site: Site | None
    ladders: list[LadderPart]
    ladder_names: list[str]
    """Every name that the file gives, also of faulty ladders."""
    streams: list[tuple[Location, Stream]]
    ingest: Ingest | None


def parts_of(data: Any) -> Parts:
    """The readable parts of a spec's plain data."""
    spec = mapping(data)
    ladders = mapping(spec["ladders"]) if "ladders" in spec else {"default": {}}
    return Parts(
        site=read(Site, spec.get("site")),
        ladders=[ladder_part(("ladders", name), mapping(ladder)) for name, ladder in ladders.items()],
        ladder_names=list(ladders),
        streams=readable(Stream, ("streams",), spec.get("streams")),
        ingest=read(Ingest, spec.get("ingest", {})),
    )


def ladder_part(location: Location, ladder: dict[str, Any]) -> LadderPart:
    clock = read(Ladder, {key: value for key, value in ladder.items() if key not in RUNG_KEYS})
    rungs: list[Rung] = []
    if source := read(SourceRendition, ladder.get("source")):
        rungs.append(((*location, "source"), source))
    if "renditions" in ladder:
        rungs += readable(Rendition, (*location, "renditions"), ladder["renditions"])
    else:
        rungs += [((*location, "renditions", index), rendition) for index, rendition in enumerate(Ladder().renditions)]
    return LadderPart(location, clock, rungs)


def readable(model: type[M], location: Location, data: Any) -> list[tuple[Location, M]]:
    """The items of a list that fit the model, each with its location."""
    items = data if isinstance(data, list) else []
    found = [((*location, index), read(model, item)) for index, item in enumerate(items)]
    return [(place, value) for place, value in found if value is not None]


def read(model: type[M], data: Any) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def mapping(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}
