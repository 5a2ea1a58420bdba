"""Where the laboratory keeps things on the operator's machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "testbed"


def cache_dir() -> Path:
    """The laboratory's cache, made at first use; deleting it costs time and nothing else."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE
