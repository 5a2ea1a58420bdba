"""Where each key and value of a spec stands in its file, and how it was written."""

from __future__ import annotations

from dataclasses import dataclass

from headend.fault import Fault, Location, Place, path_text
from headend.yaml_tree import Entry, Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class Places:
    """Answers by location; a location that the file does not have answers with its nearest parent."""

    root: Node

    def key(self, location: Location) -> Place:
        """Where the key stands; for an item of a list or the root, where the value starts."""
        entry, node = self.find(location)
        return entry.place if entry else node.place

    def value(self, location: Location) -> Place:
        """Where the value stands."""
        entry, node = self.find(location)
        if len(location) and not self.has(location):
            return entry.place if entry else node.place
        return node.place

    def has(self, location: Location) -> bool:
        """Whether the file states this location."""
        node: Node | None = self.root
        for part in location:
            node = step(node, part)[1] if node else None
        return node is not None

    def scalar(self, location: Location) -> Scalar | None:
        """The scalar at a location, None when it is something else or absent."""
        node = self.find(location)[1] if self.has(location) else None
        return node if isinstance(node, Scalar) else None

    def find(self, location: Location) -> tuple[Entry | None, Node]:
        entry: Entry | None = None
        node = self.root
        for part in location:
            next_entry, next_node = step(node, part)
            if next_node is None:
                break
            entry, node = next_entry, next_node
        return entry, node

    def fault_at_value(self, location: Location, fault: str, remedy: str) -> Fault:
        """A fault that points at the value."""
        return Fault(self.value(location), path_text(location), fault, remedy)

    def fault_at_key(self, location: Location, fault: str, remedy: str) -> Fault:
        """A fault that points at the key, or at the parent's key when it is the key that is missing."""
        return Fault(self.key(location), path_text(location), fault, remedy)


def step(node: Node | None, part: str | int) -> tuple[Entry | None, Node | None]:
    """One step down: the entry (of a mapping) and the node, or nothing."""
    if isinstance(node, Mapping) and isinstance(part, str) and part in node.entries:
        entry = node.entries[part]
        return entry, entry.node
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return None, node.items[part]
    return None, None
