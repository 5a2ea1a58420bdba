"""YAML 1.2 text becomes a tree in which every key and every value knows its line and column.

ruamel.yaml reads the events; the tree is built here, so that depth, aliases and size are bounded while reading and a
duplicate key is found where it stands. Scalars follow the YAML 1.2 core schema: `on`, `no` and `22:30` are text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from headend.fault import Fault, Location, Place, SpecError, path_text, shown
from headend.yaml_problem import sentence
from headend.yaml_scalar import Plain, core_schema, unprintable

DEPTH_LIMIT = 20
ALIAS_LIMIT = 100
NODE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Node:
    """A value in the file."""

    place: Place


@dataclass(frozen=True, slots=True)
class Scalar(Node):
    """A single value; `quoted` values are always text."""

    value: Plain
    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping and its value."""

    place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping(Node):
    """Keys and values, in the file's order."""

    entries: dict[str, Entry] = field(default_factory=dict)


def read_tree(text: str, name: str) -> tuple[Node, list[Fault]]:
    """The only document of a YAML text, and the faults that did not stop reading (duplicate keys, odd keys).

    Raises SpecError when the text is not YAML, is empty, or exceeds a limit.
    """
    return TreeBuilder(text, name).document()


class TreeBuilder:
    """Builds the tree of one document from its events."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.anchors: dict[str, Node] = {}
        self.nodes = 0
        self.aliases = 0
        self.events = self.read_events(text)

    def read_events(self, text: str) -> Iterator[yaml_events.Event]:
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = self.at(mark) if mark else Place(self.name, 1, 1)
            opened = self.at(error.context_mark) if error.context_mark else None
            lines = text.splitlines()
            before = lines[place.line - 1][: place.column - 1] if place.line <= len(lines) else ""
            opened_line = opened.line if opened else None
            self.stop(place, *sentence(str(error.problem), str(error.context), opened_line, before))
        except (YAMLError, ValueError, OverflowError):
            self.stop(Place(self.name, 1, 1), "the text is not YAML", "Compare it with specs/example.yaml")

    def document(self) -> tuple[Node, list[Fault]]:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml_events.DocumentStartEvent):
                if root is not None:
                    self.stop(self.at(event.start_mark), "a second document starts here", "Keep one spec in a file")
                if event.version not in (None, (1, 2)):
                    self.stop(self.at(event.start_mark), "specs are YAML 1.2", "Remove the %YAML line")
                root = self.node(next(self.events), (), 0)
        if root is None or (isinstance(root, Scalar) and root.value is None):
            self.stop(Place(self.name, 1, 1), "the file is empty", "Start from specs/example.yaml")
        return root, self.faults

    def node(self, event: yaml_events.Event, location: Location, depth: int) -> Node:
        place = self.at(event.start_mark)
        self.count(place, depth)
        if isinstance(event, yaml_events.AliasEvent):
            return self.alias(event, place, location)
        if getattr(event, "tag", None) is not None:
            self.stop(place, "a spec has no YAML tags", "Remove the word that starts with !", location)
        node: Node
        if isinstance(event, yaml_events.ScalarEvent):
            node = self.scalar(event, place, location)
        elif isinstance(event, yaml_events.SequenceStartEvent):
            node = self.sequence(place, location, depth)
        else:
            node = self.mapping(place, location, depth)
        if anchor := getattr(event, "anchor", None):
            self.anchors[anchor] = node
        return node

    def count(self, place: Place, depth: int) -> None:
        self.nodes += 1
        if depth > DEPTH_LIMIT:
            self.stop(place, f"nested deeper than {DEPTH_LIMIT} levels", "Compare it with specs/example.yaml")
        if self.nodes > NODE_LIMIT:
            self.stop(place, f"more than {NODE_LIMIT} values", "Split the streams over several origins")

    def alias(self, event: yaml_events.AliasEvent, place: Place, location: Location) -> Node:
        self.aliases += 1
        if self.aliases > ALIAS_LIMIT:
            self.stop(place, f"more than {ALIAS_LIMIT} aliases", "Write the values out", location)
        if event.anchor not in self.anchors:
            fault = f"alias *{shown(str(event.anchor))} has no finished anchor above it"
            self.stop(place, fault, "Put text that starts with * in quotes, or set the anchor first", location)
        node = self.anchors[event.anchor]
        self.nodes += size(node, NODE_LIMIT)
        self.count(place, 0)
        return node

    def scalar(self, event: yaml_events.ScalarEvent, place: Place, location: Location) -> Scalar:
        text: str = event.value
        if problem := unprintable(text):
            self.faults.append(Fault(place, path_text(location), *problem))
        quoted = event.style is not None
        return Scalar(place, text if quoted else core_schema(text), text, quoted)

    def sequence(self, place: Place, location: Location, depth: int) -> Sequence:
        sequence = Sequence(place)
        for event in self.events:
            if isinstance(event, yaml_events.SequenceEndEvent):
                break
            sequence.items.append(self.node(event, (*location, len(sequence.items)), depth + 1))
        return sequence

    def mapping(self, place: Place, location: Location, depth: int) -> Mapping:
        mapping = Mapping(place)
        for event in self.events:
            if isinstance(event, yaml_events.MappingEndEvent):
                break
            key_place = self.at(event.start_mark)
            key = self.key(self.node(event, location, depth + 1), key_place, location)
            node = self.node(next(self.events), (*location, key), depth + 1)
            if isinstance(node, Scalar) and not node.quoted and not node.text:
                # An absent value has no place of its own: ruamel.yaml names the next line.
                node = Scalar(key_place, None, "", quoted=False)
            if key in mapping.entries:
                fault = f"given twice, first in line {mapping.entries[key].place.line}"
                self.faults.append(Fault(key_place, path_text((*location, key)), fault, "Keep one of them"))
                continue
            mapping.entries[key] = Entry(key_place, node)
        return mapping

    def key(self, node: Node, place: Place, location: Location) -> str:
        if not isinstance(node, Scalar):
            self.stop(place, "a key must be text", "Write 'key: value' here, one to a line", location)
        if not node.quoted and node.text == "<<":
            self.stop(place, "merge keys (<<) are not part of YAML 1.2", "Write the keys out", location)
        if not isinstance(node.value, str):
            what = "nothing" if node.value is None else shown(node.text)
            remedy = f'Put it in quotes: "{what}"' if node.text else "Write a key in front of the colon"
            self.faults.append(Fault(place, path_text(location), f"the key {what} is not text", remedy))
        return node.text

    def at(self, mark: object) -> Place:
        line, column = getattr(mark, "line", 0), getattr(mark, "column", 0)
        return Place(self.name, line + 1, column + 1)

    def stop(self, place: Place, fault: str, remedy: str, location: Location = ()) -> NoReturn:
        raise SpecError([*self.faults, Fault(place, path_text(location), fault, remedy)]) from None


def size(node: Node, limit: int) -> int:
    """How many values a node holds, counted no further than the limit."""
    total, waiting = 0, [node]
    while waiting and total <= limit:
        total += 1
        current = waiting.pop()
        if isinstance(current, Sequence):
            waiting += current.items
        elif isinstance(current, Mapping):
            waiting += [entry.node for entry in current.entries.values()]
    return total


def plain(node: Node) -> object:
    """The node as plain Python data, without positions."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    raise TypeError(node)
