"""How a bench says what it measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from statistics import median


def table(rows: Mapping[str, Sequence[float]], unit: str) -> None:
    """Every round and the median of each row, for people, on standard error."""
    for name, values in rows.items():
        rounds = "  ".join(f"{value:7.3f}" for value in values)
        print(f"{name:<16} {rounds}   median {median(values):.3f} {unit}", file=sys.stderr)


def verdict(result: Mapping[str, object], *, ok: bool) -> int:
    """The result as the last line of standard output; exit code 0 if it is within what was promised, else 1."""
    print(json.dumps({**result, "ok": ok}))
    return 0 if ok else 1
