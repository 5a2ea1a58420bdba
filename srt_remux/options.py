"""The command line that the unit gives. By hand, because argparse takes as long to import as all of this package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

USAGE = (
    "usage: headend-remux --publish-socket PATH --faults-dir PATH --application NAME, with a caller on standard input"
)

NAMES = ("--publish-socket", "--faults-dir", "--application")


class Options(NamedTuple):
    """Where things are on this host."""

    publish_socket: str
    """The unix socket on which the ingest takes publishers."""
    faults_dir: str
    """Folder of the reports on streams that could not be carried."""
    application: str
    """Name of the RTMP application."""


def parse(arguments: Sequence[str]) -> Options:
    """Options from `--name value` or `--name=value`, each once. Raises ValueError with one sentence."""
    values: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name not in NAMES:
            raise ValueError(f"{name}: unknown option. Known: {', '.join(NAMES)}")
        if name in values:
            raise ValueError(f"{name}: given twice")
        values[name] = value if equals else next(words, "")
        if not values[name]:
            raise ValueError(f"{name}: no value")
    missing = [name for name in NAMES if name not in values]
    if missing:
        raise ValueError(f"{', '.join(missing)}: missing")
    return Options(*(values[name] for name in NAMES))
