"""Every key of a spec with meaning, unit, default and range: read off the model, so that it cannot differ from it.

The fault sentences, the reference page, the example spec's test and `headend explain` all ask here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from headend.fault import Location
from headend.model.spec import Spec

Kind = Literal["whole number", "truth value", "text", "list", "mapping"]

EXAMPLE = re.compile(r" ?Example: (.+)\.$", re.DOTALL)
ENTRY = "<name>"
UNITS = {
    "_kbps": "kbit/s",
    "_ms": "milliseconds",
    "_seconds": "seconds",
    "_minutes": "minutes",
    "_hours": "hours",
    "_days": "days",
    "_mib": "MiB",
    "_gib": "GiB",
    "_percent": "percent",
    "_frames": "frames",
    "frame_rate": "frames per second",
    "height": "pixels",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `children` are its keys; `item` is what a list or a mapping of freely named entries holds."""

    path: str
    kind: Kind
    meaning: str
    example: str
    required: bool
    default: Any
    rules: dict[str, Any]
    children: dict[str, Key] = field(default_factory=dict)
    item: Key | None = None

    @property
    def name(self) -> str:
        return self.path.rsplit(".", 1)[-1]

    @property
    def unit(self) -> str:
        """The unit of a number, empty where there is none."""
        return next((unit for suffix, unit in UNITS.items() if self.name.endswith(suffix)), "")

    @property
    def default_text(self) -> str:
        """The default as YAML has it, without quotes."""
        return str(self.default).lower() if self.kind == "truth value" else str(self.default).replace("'", "")

    @property
    def choices(self) -> list[str]:
        return list(self.rules.get("enum", ()))

    @property
    def allowed(self) -> str:
        """What is allowed, in words. Example: 100 to 50000 kbit/s."""
        if self.kind == "truth value":
            return "true or false"
        if self.choices:
            return ", ".join(self.choices[:-1]) + " or " + self.choices[-1]
        if "minimum" in self.rules:
            step = ", in steps of " + str(self.rules["multipleOf"]) if "multipleOf" in self.rules else ""
            return f"{self.rules['minimum']} to {self.rules['maximum']}{' ' * bool(self.unit)}{self.unit}{step}"
        if "minLength" in self.rules:
            return f"{self.rules['minLength']} to {self.rules['maxLength']} characters"
        if "maxItems" in self.rules:
            return f"{self.rules.get('minItems', 0)} to {self.rules['maxItems']} items"
        if "minItems" in self.rules:
            return f"{self.rules['minItems']} or more items"
        return ""

    def at(self, location: Location) -> Key | None:
        """The key at a location below this one, None where the model knows none."""
        key: Key | None = self
        for part in location:
            if key is None:
                return None
            key = key.item if key.item is not None else key.children.get(str(part))
        return key

    def walk(self) -> Iterator[Key]:
        """This key and all below it, in the model's order."""
        yield self
        for child in (*self.children.values(), *([self.item] if self.item else [])):
            yield from child.walk()


@cache
def spec_keys() -> Key:
    """The root: a whole spec."""
    schema = Spec.model_json_schema()
    return key_of("", schema, schema["$defs"], required=True)


def key_of(path: str, schema: dict[str, Any], definitions: dict[str, Any], *, required: bool) -> Key:
    """The key that a part of the JSON Schema describes."""
    rules = resolved(schema, definitions)
    meaning = str(rules.get("description", ""))
    example = EXAMPLE.search(meaning)
    needed = rules.get("required", ())
    children = {
        name: key_of(f"{path}.{name}".removeprefix("."), child, definitions, required=name in needed)
        for name, child in rules.get("properties", {}).items()
    }
    item = None
    if "items" in rules:
        item = key_of(f"{path}[]", rules["items"], definitions, required=True)
    elif entries := rules.get("patternProperties"):
        item = key_of(f"{path}.{ENTRY}", next(iter(entries.values())), definitions, required=False)
    return Key(
        path=path,
        kind=kind_of(rules),
        meaning=EXAMPLE.sub("", meaning),
        example=example.group(1) if example else "",
        required=required,
        default=rules.get("default"),
        rules=rules,
        children=children,
        item=item,
    )


def resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference, or the one alternative that is not null, filled in; its own words win."""
    inner = next((option for option in schema.get("anyOf", ()) if option.get("type") != "null"), schema)
    target = definitions[inner["$ref"].rsplit("/", 1)[-1]] if "$ref" in inner else inner
    return {**target, **schema}


def kind_of(rules: dict[str, Any]) -> Kind:
    kinds: dict[str, Kind] = {
        "integer": "whole number",
        "boolean": "truth value",
        "array": "list",
        "object": "mapping",
    }
    return kinds.get(str(rules.get("type")), "text")
