"""Files and links on a host, many in one round trip."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from hashlib import sha256

from pyinfra.api import FactBase

from headend.artifact import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What makes a file equal to its artifact."""

    sha256: str
    mode: str
    owner: str
    group: str

    @classmethod
    def of(cls, artifact: Artifact) -> Placed:
        """The file as the artifact wants it."""
        return cls(
            sha256=sha256(artifact.text.encode()).hexdigest(),
            mode=artifact.mode.lstrip("0"),
            owner=artifact.owner,
            group=artifact.group,
        )


class PlacedFiles(FactBase[dict[str, Placed]]):
    """Content hash, mode and owner of those of the given paths that exist, by path.

    A symbolic link in the place of a file has the mode 777 and so never equals an artifact.
    """

    default = dict

    def command(self, paths: tuple[str, ...]) -> str:
        quoted = shlex.join(paths)
        return f"stat -c 'stat %a %U %G %n' -- {quoted} 2>/dev/null; sha256sum -- {quoted} 2>/dev/null; true"

    def process(self, output: list[str]) -> dict[str, Placed]:
        hashes: dict[str, str] = {}
        modes: dict[str, tuple[str, str, str]] = {}
        for line in output:
            if line.startswith("stat "):
                _, mode, owner, group, path = line.split(" ", 4)
                modes[path] = (mode, owner, group)
            else:
                digest, _, path = line.partition("  ")
                hashes[path] = digest
        return {
            path: Placed(sha256=hashes.get(path, ""), mode=mode, owner=owner, group=group)
            for path, (mode, owner, group) in modes.items()
        }


class FolderNames(FactBase[list[str]]):
    """Names of the folders in a folder, sorted; none when it does not exist."""

    default = list

    def command(self, path: str) -> str:
        return f"find {shlex.quote(path)} -mindepth 1 -maxdepth 1 -type d -printf '%f\\n' 2>/dev/null | sort; true"

    def process(self, output: list[str]) -> list[str]:
        return output


class MissingUsers(FactBase[list[str]]):
    """Those of the given system users that the host lacks."""

    default = list

    def command(self, users: tuple[str, ...]) -> str:
        return f'for user in {shlex.join(users)}; do getent passwd "$user" >/dev/null || echo "$user"; done'

    def process(self, output: list[str]) -> list[str]:
        return output


class MissingPaths(FactBase[list[str]]):
    """Those of the given paths that the host lacks."""

    default = list

    def command(self, paths: tuple[str, ...]) -> str:
        return f'for path in {shlex.join(paths)}; do test -e "$path" || echo "$path"; done'

    def process(self, output: list[str]) -> list[str]:
        return output
