"""How a host is: one round trip, one report. `headend doctor HOST` prints it.

By hand: pyinfra HOST fact deploys.facts.doctor.HeadendReport
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pyinfra.api import FactBase

from deploys.facts.libsrt import Libsrt, LibsrtState
from deploys.facts.units import Units, UnitState

UNITS = (
    "headend-hooks.service",
    "headend-announce.service",
    "headend-archive.service",
    "nginx@ingest.service",
    "srt-remux.socket",
    "nginx@srt.service",
    "nginx@web.service",
    "headend-backup.timer",
    "headend-prune.timer",
)

# Percent of a disk; below the rest an encoder soon cannot write its next segment.
FULL_PERCENT = 90

_SECTION = "=== "

PRUNE_UNIT = "headend-prune.service"
PRUNE = (
    f"test ! -e /etc/systemd/system/{PRUNE_UNIT} || {{ systemctl show --property=Result {PRUNE_UNIT};"
    " systemctl show --timestamp=unix --property=LastTriggerUSec headend-prune.timer; }"
)
"""Shell that says how the last prune run ended, and when it began."""


class HeadendReport(FactBase[dict[str, Any]]):
    """{"nginx": …, "libsrt": …, "units": {name: {"active", "sub", "pending"}}, "prune": …, "problems": […]}.

    "nginx" is BUILD.json or None. "libsrt" is {"version", "minimum", "ok"} on a host that takes SRT callers, else None.
    "prune" is {"last", "result"} on a host that records, else None: when the last run was, how systemd says it ended.

    A unit is reported if it was ever activated here. It is pending when the files or the release on the disk are not
    those of its last activation: a deploy deferred it for a live show, or died, or somebody edited a file, or a library
    was upgraded.
    """

    default = dict

    def command(
        self,
        prefix: str = "/opt/headend",
        config_dir: str = "/etc/headend",
        state_dir: str = "/var/lib/headend",
        media_root: str = "/srv/headend/media",
        recordings_root: str = "/srv/headend/recordings",
    ) -> str:
        build_script = shlex.quote(f"{prefix}/builder/build-nginx")
        sections = {
            "build": f"cat {shlex.quote(f'{prefix}/nginx/current/BUILD.json')}",
            "builder": f"test ! -x {build_script} || {build_script} status --allow-stale-sources",
            "units": Units().command(UNITS),
            "applied": f"cd {shlex.quote(f'{state_dir}/applied')} && ls -1",
            "pending": _pending(f"{state_dir}/applied"),
            "wanted": f"grep -hE '^([a-z]+ [{{]| *listen )' {shlex.quote(f'{config_dir}/nginx')}/*.conf",
            "listening": "ss -Hltunx",
            "libsrt": f"test ! -e {shlex.quote(f'{config_dir}/nginx/srt.conf')} || {{ {Libsrt().command()}; }}",
            "prune": PRUNE,
            "disk": f"df --output=pcent,target -- {shlex.join((media_root, state_dir, recordings_root))}",
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
        libsrt = Libsrt().process(found["libsrt"]) if any(found["libsrt"]) else None
        prune = _prune(found["prune"]) if any(found["prune"]) else None
        problems = [
            *_build_problems(build, _json(found["builder"])),
            *_libsrt_problems(libsrt),
            *_unit_problems(states, found["pending"]),
            *_prune_problems(prune),
            *_port_problems(found["wanted"], found["listening"]),
            *_disk_problems(found["disk"]),
        ]
        units = {
            unit: {"active": state.active, "sub": state.sub, "pending": unit in found["pending"]}
            for unit, state in states.items()
        }
        return {
            "nginx": build,
            "libsrt": asdict(libsrt) if libsrt else None,
            "units": units,
            "prune": prune,
            "problems": problems,
        }


def _pending(applied_dir: str) -> str:
    """Shell that prints the name of each unit that runs with other files or another release than lie on the disk."""
    return (
        f'cd {shlex.quote(applied_dir)} && for unit in *.service *.socket *.timer; do test -e "$unit" || continue;'
        ' { grep "^[0-9a-f]\\{64\\}  /" "$unit" | sha256sum --check --status'
        ' && sed -n "s/^modified //p" "$unit" | while read -r seconds path;'
        ' do [ "$(stat -L -c %Y -- "$path")" = "$seconds" ] || exit 1; done'
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


def _libsrt_problems(libsrt: LibsrtState | None) -> list[str]:
    return [f"{libsrt.problem}."] if libsrt and libsrt.problem else []


def _unit_problems(states: dict[str, UnitState], pending: list[str]) -> list[str]:
    if not states:
        return ["units: none was ever activated here. Deploy."]
    down = [
        f"{unit}: {state.active} ({state.sub}). See journalctl -u {unit}."
        for unit, state in states.items()
        if not state.running
    ]
    return down + [f"{unit}: does not run with what lies on the disk. Deploy." for unit in states if unit in pending]


def _prune(shown: list[str]) -> dict[str, str | None]:
    """The last prune run, from two units' properties; the time is in UTC, None where there was none."""
    values = dict(line.split("=", 1) for line in shown if "=" in line)
    match = re.fullmatch(r"@(\d+)", values.get("LastTriggerUSec", ""))
    last = datetime.fromtimestamp(int(match[1]), UTC).isoformat() if match else None
    return {"last": last, "result": values.get("Result")}


def _prune_problems(prune: dict[str, str | None] | None) -> list[str]:
    if prune is None or prune["result"] in (None, "success"):
        return []
    return [f"{PRUNE_UNIT}: the last run failed ({prune['result']}). See journalctl -u {PRUNE_UNIT}."]


def _port_problems(wanted: list[str], listening: list[str]) -> list[str]:
    open_ports = {(line.split()[0], line.split()[4]) for line in listening if len(line.split()) > 4}
    return [f"{name(where)}: nothing listens." for where in _places(wanted) if where not in open_ports]


def _places(wanted: list[str]) -> Iterator[tuple[str, str]]:
    """Protocol, as ss calls it, and address of every `listen` of nginx's configurations; SRT's are UDP."""
    block = ""
    for line in wanted:
        if match := re.match(r"([a-z]+) [{]", line):
            block = match[1]
        elif match := re.search(r"listen (unix:)?([^ ;]+)", line):
            protocol = "udp" if block == "srt" else "tcp"
            yield "u_str" if match[1] else protocol, match[2]


def name(where: tuple[str, str]) -> str:
    """A place as an operator calls it. Example: port 0.0.0.0:9000/udp."""
    protocol, address = where
    return {"u_str": f"socket {address}", "udp": f"port {address}/udp"}.get(protocol, f"port {address}")


def _disk_problems(disk: list[str]) -> list[str]:
    usage = {match[2]: int(match[1]) for line in disk if (match := re.fullmatch(r" *(\d+)% (.+)", line))}
    return [f"disk {folder}: {full}% full. Make room." for folder, full in usage.items() if full >= FULL_PERCENT]
