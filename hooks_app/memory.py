"""What the reconcile loop remembers between two looks: since when something has been so."""

from __future__ import annotations

from collections.abc import Hashable


class Since:
    """For how long a value has not changed, by key."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def seconds(self, key: str, value: Hashable, now: float) -> float:
        """Seconds since `value` was first seen here without another in between; 0 the first time."""
        known = self._seen.get(key)
        if known is None or known[0] != value:
            self._seen[key] = (value, now)
            return 0.0
        return now - known[1]

    def forget(self, key: str) -> None:
        """Start anew."""
        self._seen.pop(key, None)
