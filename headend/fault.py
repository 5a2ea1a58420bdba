"""A fault in a spec: where, what is wrong, what would be right. One line each, never a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

Location = tuple[str | int, ...]
"""Keys and list indices from the root of a spec down to one value."""

SHOWN_LENGTH = 40


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One mistake; `path` is empty where the file as a whole is meant, fault and remedy carry no full stop."""

    place: Place
    path: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        end = "" if self.remedy.endswith("?") else "."
        return f"{self.place}{' ' if self.path else ''}{self.path}: {self.fault}. {self.remedy}{end}"

    def as_data(self) -> dict[str, object]:
        """The fault as plain data for --json: file, line, column, path, fault, remedy."""
        data = asdict(self)
        return {**data.pop("place"), **data}


class SpecError(Exception):
    """A spec with faults: all of them, sorted by line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class UnreadableSpecError(SpecError):
    """The file itself could not be read: it is missing, a folder, or not allowed."""


def path_text(location: Location) -> str:
    """A location as people write it. Example: ladders.default.renditions[1].video_kbps."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}"
    return text.removeprefix(".")


def shown(value: str) -> str:
    """The value itself when it is short and printable, else a stand-in: a message repeats no long or binary input."""
    if len(value) > SHOWN_LENGTH:
        return f"<{len(value)} characters>"
    return value if value.isprintable() else "<unprintable>"
