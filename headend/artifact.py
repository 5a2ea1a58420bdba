"""A finished file for a host: what `deploys` receives and places, without looking inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["none", "reload", "restart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file on a host, complete.

    `mode` is octal text ("0644"); `unit` names the systemd unit that must see the new text, `action` how it does.
    An artifact without a unit is read by its user at the next start and needs nothing more.
    """

    path: str
    text: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    unit: str | None = None
    action: Action = "none"
