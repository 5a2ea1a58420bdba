"""A spec file becomes a `Spec`, or all of its faults at once."""

from __future__ import annotations

from pathlib import Path

from headend.check import validate
from headend.fault import SpecError
from headend.lint import lint
from headend.lint.announcement_room import room_faults
from headend.model.spec import Spec
from headend.own_words import read_words
from headend.parts import parts_of
from headend.places import Places
from headend.yaml_text import read_text
from headend.yaml_tree import Mapping, plain, read_tree


def load_spec(path: Path) -> Spec:
    """The spec in a file.

    Raises SpecError with every fault, sorted by line; UnreadableSpecError when the file itself cannot be read.
    """
    return load_with_places(path)[0]


def load_with_places(path: Path) -> tuple[Spec, Places]:
    """The spec in a file, and where each of its values stands. Raises as `load_spec` does."""
    spec, places = parse(read_text(path), str(path))
    if spec.announcements.templates is not None:
        words, faults = read_words(path.parent / spec.announcements.templates)
        if faults:
            raise SpecError(faults)
        spec.announcements.own_words.update(words)
    if faults := list(room_faults(spec, places)):
        raise SpecError(faults)
    return spec, places


def parse(text: str, name: str) -> tuple[Spec, Places]:
    """The spec in a text; `name` is what the faults call the file."""
    root, faults = read_tree(text, name)
    places = Places(root)
    if not isinstance(root, Mapping):
        remedy = "Start with 'site:' and 'streams:'; see specs/example.yaml"
        raise SpecError([*faults, places.fault_at_value((), "a spec is a mapping", remedy)])
    spec, more = validate(places)
    more += lint(parts_of(plain(root)), places)
    # What cannot be read is not judged as well: one fault for one place.
    unread = {fault.place for fault in faults}
    faults += [fault for fault in more if fault.place not in unread]
    if spec is None or faults:
        raise SpecError(faults)
    return spec, places
