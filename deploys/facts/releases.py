"""The releases of one program on a host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from pyinfra.api import FactBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """What lies in the folder of a program's releases; links as written in them, "releases/ab12", empty for none."""

    current: str = ""
    previous: str = ""
    names: tuple[str, ...] = field(default=())
    """Every release folder, finished or not."""


class ReleaseFolders(FactBase[Releases]):
    """The releases below a folder, and which the links name."""

    default = Releases

    def command(self, root: str) -> str:
        links = 'for link in current previous; do echo "$link $(readlink $link)"; done'
        folders = "find releases -mindepth 1 -maxdepth 1 -type d -printf 'name %f\\n' 2>/dev/null | sort"
        return f"cd {shlex.quote(root)} 2>/dev/null && {{ {links}; {folders}; }}; true"

    def process(self, output: list[str]) -> Releases:
        pairs = [line.split(" ", 1) for line in output]
        links = {key: value for key, value in pairs if key != "name"}
        names = tuple(value for key, value in pairs if key == "name")
        return Releases(current=links["current"], previous=links["previous"], names=names)
