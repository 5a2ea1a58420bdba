"""One broken spec: its name, its text, and the exact lines that `headend check` must print for it."""

from __future__ import annotations

SITE = "site:\n  public_url: https://live.example.org\n"
STREAMS = "streams:\n  - slug: demo\n    title: Demo\n"
IN_LADDER = SITE + STREAMS + "ladders:\n  default:\n"
"""Everything a spec needs, open for keys of the default ladder from line 8 on, indented by four."""


class Case:
    """A broken spec and its faults, each as `line:column path: fault. remedy`."""

    def __init__(self, name: str, text: str, *faults: str) -> None:
        self.name = name
        self.text = text
        self.faults = faults
