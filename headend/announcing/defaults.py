"""The words that Headend brings: what a site does not say in its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from headend.announcing.words import Templates

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "announce"
"""In the checkout; on a host they come with the rendered facts."""


@cache
def default_templates() -> Templates:
    """By channel and occasion."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(FOLDER.glob("*/*.j2")):
        found.setdefault(path.parent.name, {})[path.stem] = path.read_text("utf-8")
    return found
