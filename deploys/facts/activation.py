"""Everything that decides whether a unit must be started, restarted or reloaded, in one round trip."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from pyinfra.api import FactBase

from deploys.facts.applied import Applied, AppliedHashes
from deploys.facts.units import Units, UnitState


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A unit now, what it was last activated with, and the release that lies ready for it."""

    state: UnitState = field(default_factory=UnitState)
    applied: Applied = field(default_factory=Applied)
    release: str = ""
    """Where the link to its release points, as written in it."""
    modified: tuple[str, ...] = ()
    """The watched files that exist, "SECONDS PATH" each: when their content changed last."""


class UnitActivation(FactBase[Activation]):
    """The activation of a unit; that of a unit that never ran on a host without Headend."""

    default = Activation

    def command(self, unit: str, applied_dir: str, release_link: str, watched: tuple[str, ...] = ()) -> str:
        parts = (
            Units().command((unit,)),
            AppliedHashes().command(applied_dir),
            f"readlink -- {shlex.quote(release_link)}",
            # Unquoted: a library's folder is named after the architecture.
            f"stat --dereference --format='%Y %n' -- {' '.join(watched)}" if watched else "true",
        )
        return "; ".join(f"echo '=== {unit}'; {{ ({part}) 2>/dev/null; }}" for part in parts) + "; true"

    def process(self, output: list[str]) -> Activation:
        unit = output[0].removeprefix("=== ")
        parts: list[list[str]] = []
        for line in output:
            if line == f"=== {unit}":
                parts.append([])
            else:
                parts[-1].append(line)
        units, applied, link, modified = parts
        return Activation(
            state=Units().process(units).get(unit, UnitState()),
            applied=AppliedHashes().process(applied).get(unit, Applied()),
            release="".join(link),
            modified=tuple(modified),
        )
