"""What runs on a host."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from pyinfra.api import FactBase


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """A unit as systemd describes it."""

    active: str = "inactive"
    sub: str = "dead"
    enabled: bool = False
    needs_daemon_reload: bool = False

    @property
    def running(self) -> bool:
        """Also while systemd starts or reloads it."""
        return self.active in ("active", "activating", "reloading")


class Units(FactBase[dict[str, UnitState]]):
    """State of the given units, by name; also of those without a file."""

    default = dict

    def command(self, units: tuple[str, ...]) -> str:
        properties = "Id,ActiveState,SubState,UnitFileState,NeedDaemonReload"
        return f"systemctl show --property={properties} -- {shlex.join(units)} 2>/dev/null; true"

    def process(self, output: list[str]) -> dict[str, UnitState]:
        # systemctl separates units by an empty line.
        blocks = "\n".join(output).split("\n\n")
        values = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
        return {
            block["Id"]: UnitState(
                active=block["ActiveState"],
                sub=block["SubState"],
                enabled=block["UnitFileState"] == "enabled",
                needs_daemon_reload=block["NeedDaemonReload"] == "yes",
            )
            for block in values
            if "Id" in block
        }


class LiveStreams(FactBase[list[str] | None]):
    """The streams that have a publisher now, by nginx-rtmp's stat page on the host; None if that is silent."""

    def command(self, stat_port: int) -> str:
        return f"curl --silent --fail --max-time 3 http://127.0.0.1:{stat_port}/stat; true"

    def process(self, output: list[str]) -> list[str] | None:
        # The page is our own nginx's: a stream's block opens with its name and holds <publishing/> while someone does.
        blocks = "\n".join(output).split("<stream>")[1:]
        names = (re.search(r"<name>([^<]*)</name>", block) for block in blocks if "<publishing/>" in block)
        return sorted(match[1] for match in names if match)


class LiveCallers(FactBase[list[str] | None]):
    """The streams that have an SRT caller now, by nginx@srt's stat page on the host; None if that is silent."""

    def command(self, stat_port: int) -> str:
        return f"curl --silent --fail --max-time 3 http://127.0.0.1:{stat_port}/srt_stat; true"

    def process(self, output: list[str]) -> list[str] | None:
        # What is no answer of ours is as good as silence.
        try:
            said: dict[str, Any] = json.loads("\n".join(output))
            return sorted({str(session["slug"]) for session in said["sessions"]})
        except (ValueError, KeyError, TypeError):
            return None
