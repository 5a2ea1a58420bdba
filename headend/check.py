"""What the model says about the data of a spec file, translated into faults."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headend.fault import Fault, Location
from headend.keys import Key, spec_keys
from headend.model.spec import Spec
from headend.places import Places
from headend.sentences import sentence, unknown_key
from headend.yaml_tree import plain

# pydantic's mark for "the key of this entry, not its value".
KEY_MARK = "[key]"


def validate(places: Places) -> tuple[Spec | None, list[Fault]]:
    """The spec, or None and every fault that the model finds."""
    try:
        return Spec.model_validate(plain(places.root)), []
    except ValidationError as error:
        return None, Translation(places, error.errors(include_url=False)).faults()


class Translation:
    """The faults of one validation."""

    def __init__(self, places: Places, errors: list[ErrorDetails]) -> None:
        self.places = places
        self.errors = errors
        self.missing: dict[Location, list[str]] = {}
        for error in errors:
            if error["type"] == "missing":
                self.missing.setdefault(error["loc"][:-1], []).append(str(error["loc"][-1]))

    def faults(self) -> list[Fault]:
        unknown = [self.unknown(error["loc"]) for error in self.errors if error["type"] == "extra_forbidden"]
        missing = [self.absent((*parent, name)) for parent, names in self.missing.items() for name in names]
        wrong = [self.wrong(error) for error in self.errors if not self.said_otherwise(error)]
        return unknown + missing + wrong

    def unknown(self, location: Location) -> Fault:
        """An unknown key. Takes the missing key that it probably stands for off the list: one mistake, one fault."""
        parent, name = location[:-1], str(location[-1])
        key = known_key(parent)
        missing = self.missing.get(parent, [])
        siblings = [child for child in key.children if self.places.has((*parent, child))]
        fault, remedy = unknown_key(name, siblings, missing, list(key.children), home_of(name))
        self.missing[parent] = [child for child in missing if f"'{child}'" not in remedy or "Known" in remedy]
        return self.places.fault_at_key(location, fault, remedy)

    def absent(self, location: Location) -> Fault:
        key = known_key(location)
        example = f"'{key.name}: {key.example}'" if key.example else f"'{key.name}:' with its content indented below it"
        return self.places.fault_at_key(location, "missing", f"Add {example}")

    def said_otherwise(self, error: ErrorDetails) -> bool:
        """pydantic also calls a list too short whose items are all faulty: their own faults say more."""
        emptied = error["type"] == "too_short" and bool(error["input"])
        return emptied or error["type"] in ("missing", "extra_forbidden")

    def wrong(self, error: ErrorDetails) -> Fault:
        location = error["loc"]
        if location[-1:] == (KEY_MARK,):
            location = location[:-1]
            fault, remedy = sentence(error["type"], known_key(location), None, str(location[-1]), error.get("ctx", {}))
            return self.places.fault_at_key(location, fault, remedy)
        scalar = self.places.scalar(location)
        fault, remedy = sentence(error["type"], known_key(location), scalar, error["input"], error.get("ctx", {}))
        return self.places.fault_at_value(location, fault, remedy)


def home_of(name: str) -> str | None:
    """The path of the one mapping that has a key of this name, None for no or several such mappings."""
    homes = [key.path for key in spec_keys().walk() if name in key.children]
    return homes[0] if len(homes) == 1 else None


def known_key(location: Location) -> Key:
    """The key at a location. The model reports errors only at keys that it has: another one is a defect of Headend."""
    key = spec_keys().at(location)
    if key is None:
        raise LookupError(location)
    return key
