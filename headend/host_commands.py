"""What an administrator types on a host: `headend-key`, `-token`, `-backup` and `-ctl`, and `headend` before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headend.artifact import Artifact
from headend.layout import Layout
from headend.templating import fill

FOLDER = "/usr/local/bin"


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the hook app that works on its database, as the hook app's user."""

    name: str
    does: str
    """What follows the program's name in a sentence. Example: manage stream keys."""
    derives: tuple[str, ...] = ()
    """Its verbs that derive something from the master secret."""
    asks_server: bool = True
    """Whether it works on the database where that is a server, too."""


COMMANDS = (
    Command("key", "manage stream keys", derives=("add", "rotate", "srt-url", "rtmp-url")),
    Command("token", "manage tokens of the API"),
    Command("backup", "back up and restore the database", asks_server=False),
)


def commands(layout: Layout, *, archives: bool = False) -> Iterator[Artifact]:
    """Every command of a host; that of the archiver where something is recorded."""
    for command in COMMANDS:
        yield _script(f"headend-{command.name}", "command", layout=layout, command=command)
    yield _script("headend-ctl", "headend-ctl", layout=layout)
    names = [*(command.name for command in COMMANDS), "ctl"]
    if archives:
        yield _script("headend-archive", "headend-archive", layout=layout)
        names.append("archive")
    yield _script("headend", "headend", folder=FOLDER, names=names)


def _script(name: str, template: str, **names: object) -> Artifact:
    return Artifact(path=f"{FOLDER}/{name}", text=fill(f"host/{template}.j2", **names), mode="0755")
