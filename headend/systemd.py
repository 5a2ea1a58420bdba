"""The three units: nginx instances, encoders, hook app."""

from __future__ import annotations

from headend.artifact import Artifact
from headend.layout import Layout
from headend.templating import fill

UNITS = "/etc/systemd/system"


def nginx_unit(layout: Layout) -> Artifact:
    """Template unit of nginx@ingest and nginx@web."""
    return _unit("nginx@.service", layout)


def encoder_unit(layout: Layout) -> Artifact:
    """Template unit of the encoders; its instances are slugs."""
    return _unit("ffmpeg@.service", layout)


def hooks_unit(layout: Layout) -> Artifact:
    """Unit of the hook app."""
    return _unit("headend-hooks.service", layout)


def _unit(name: str, layout: Layout) -> Artifact:
    text = fill(f"systemd/{name}.j2", layout=layout)
    return Artifact(path=f"{UNITS}/{name}", text=text, unit=name, action="restart")
