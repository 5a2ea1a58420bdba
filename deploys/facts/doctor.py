"""How a host is: one round trip, one report. `headend doctor HOST` prints it.

By hand: pyinfra HOST fact deploys.facts.doctor.HeadendReport
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from pyinfra.api import FactBase

from deploys.facts.units import Units, UnitState

UNITS = ("headend-hooks.service", "nginx@ingest.service", "nginx@web.service")

# Percent of a disk; below the rest an encoder soon cannot write its next segment.
FULL_PERCENT = 90

_SECTION = "=== "


class HeadendReport(FactBase[dict[str, Any]]):
    """{"nginx": BUILD.json or None, "units": {name: {"active", "sub", "pending"}}, "problems": [one line each]}.

    A unit is reported if it was ever activated here. It is pending when the files or the release on the disk are not
    those of its last activation: a deploy deferred it for a live show, or died, or somebody edited a file.
    """

    default = dict

    def command(
        self,
        prefix: str = "/opt/headend",
        config_dir: str = "/etc/headend",
        state_dir: str = "/var/lib/headend",
        media_root: str = "/srv/headend/media",
    ) -> str:
        build_script = shlex.quote(f"{prefix}/builder/build-nginx")
        sections = {
            "build": f"cat {shlex.quote(f'{prefix}/nginx/current/BUILD.json')}",
            "builder": f"test ! -x {build_script} || {build_script} status --allow-stale-sources",
            "units": Units().command(UNITS),
            "applied": f"cd {shlex.quote(f'{state_dir}/applied')} && ls -1",
            "pending": _pending(f"{state_dir}/applied"),
            "wanted": f"grep -hE '^ *listen ' {shlex.quote(f'{config_dir}/nginx')}/*.conf",
            "listening": "ss -Hltn",
            "disk": f"df --output=pcent,target -- {shlex.quote(media_root)} {shlex.quote(state_dir)}",
        }
        return (
            "; ".join(f"echo '{_SECTION}{name}'; ({script}) 2>/dev/null" for name, script in sections.items())
            + "; true"
        )

    def process(self, output: list[str]) -> dict[str, Any]:
        found: dict[str, list[str]] = {}
        for line in output:
            if line.startswith(_SECTION):
                found[line.removeprefix(_SECTION)] = []
            else:
                found[next(reversed(found))].append(line)
        build = _json(found["build"])
        states = {unit: state for unit, state in Units().process(found["units"]).items() if unit in found["applied"]}
        problems = [
            *_build_problems(build, _json(found["builder"])),
            *_unit_problems(states, found["pending"]),
            *_port_problems(found["wanted"], found["listening"]),
            *_disk_problems(found["disk"]),
        ]
        units = {
            unit: {"active": state.active, "sub": state.sub, "pending": unit in found["pending"]}
            for unit, state in states.items()
        }
        return {"nginx": build, "units": units, "problems": problems}


def _pending(applied_dir: str) -> str:
    """Shell that prints the name of each unit whose files or release are not those of its last activation."""
    return (
        f"cd {shlex.quote(applied_dir)} && for unit in *.service; do"
        ' { grep "^[0-9a-f]\\{64\\}  /" "$unit" | sha256sum --check --status'
        ' && sed -n "s/^release //p" "$unit"'
        ' | while read -r link target; do [ "$(readlink "$link")" = "$target" ]; done; }'
        ' || echo "$unit"; done'
    )


def _json(lines: list[str]) -> dict[str, Any] | None:
    try:
        loaded: dict[str, Any] | None = json.loads("\n".join(lines))
    except ValueError:
        return None
    return loaded


def _build_problems(build: dict[str, Any] | None, builder: dict[str, Any] | None) -> list[str]:
    problems = []
    if build is None:
        problems.append("nginx: no build of Headend's own is installed. Deploy.")
    elif build.get("stale"):
        parts = [
            f"{name} {source['version']} (newest {source['newest']})"
            for name, source in build["sources"].items()
            if source["newest"] not in (None, source["version"])
        ]
        problems.append(f"nginx: built from stale sources: {', '.join(parts)}. Deploy when the newest can be fetched.")
    if builder and builder.get("due"):
        problems.append(f"nginx: a new build is due: {builder['due']}. Deploy.")
    return problems


def _unit_problems(states: dict[str, UnitState], pending: list[str]) -> list[str]:
    if not states:
        return ["units: none was ever activated here. Deploy."]
    down = [
        f"{unit}: {state.active} ({state.sub}). See journalctl -u {unit}."
        for unit, state in states.items()
        if not state.running
    ]
    return down + [f"{unit}: does not run with what lies on the disk. Deploy." for unit in states if unit in pending]


def _port_problems(wanted: list[str], listening: list[str]) -> list[str]:
    addresses = {line.split()[3] for line in listening if len(line.split()) > 3}
    missing = [
        match[1] for line in wanted if (match := re.search(r"listen (\S+?)(;| )", line)) and match[1] not in addresses
    ]
    return [f"port {address}: nothing listens." for address in missing]


def _disk_problems(disk: list[str]) -> list[str]:
    usage = {match[2]: int(match[1]) for line in disk if (match := re.fullmatch(r" *(\d+)% (.+)", line))}
    return [f"disk {folder}: {full}% full. Make room." for folder, full in usage.items() if full >= FULL_PERCENT]
