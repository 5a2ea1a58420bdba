"""Where a recording lies in the store. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

LONGEST: Final = 500
"""Characters; its column has no more."""
MANIFEST: Final = "manifest.json"
"""In a recording's folder."""
_FIELD: Final = re.compile(r"\{(\w+)\}")


def prefix_of(
    prefix: str, layout: str, *, recording: int, slug: str, owner: str, started_at: datetime, event: int | None
) -> str:
    """The folder of a recording: no empty component, no `.` and no `..`, no slash at either end."""
    start = started_at.astimezone(UTC)
    values = {
        "slug": slug,
        "owner": owner,
        "year": f"{start:%Y}",
        "month": f"{start:%m}",
        "day": f"{start:%d}",
        "start": f"{start:%Y%m%dT%H%M%SZ}",
        "event": "none" if event is None else str(event),
        "recording": str(recording),
    }
    if "{recording}" not in layout:
        # Two recordings must never have one key.
        layout = f"{layout}/{{recording}}"
    filled = _FIELD.sub(lambda found: values[found[1]], layout)
    key = _clean(f"{prefix}/{filled}")
    return key if len(key) <= LONGEST else _clean(f"{prefix}/{slug}/{recording}")


def event_key(prefix: str, event_id: int) -> str:
    """Where the manifest of an event lies."""
    return _clean(f"{prefix}/events/{event_id}.json")


def _clean(key: str) -> str:
    return "/".join(name for name in key.split("/") if name.strip("."))
