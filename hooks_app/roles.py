"""What a token of the API may do: four roles, each of which may all that the ones before it may."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """From the least to the most."""

    VIEWER = "viewer"
    """Reads what is private: sessions, keys without their secrets, schedules."""
    SCHEDULER = "scheduler"
    """Plans: events and schedules."""
    OPERATOR = "operator"
    """Runs: keys, kicks, destinations on and off."""
    ADMIN = "admin"
    """Owns: owners, streams made at run time, tokens, destinations, the audit."""

    def may(self, needed: Role) -> bool:
        """Whether this role is enough."""
        return _RANK[self] >= _RANK[needed]


_RANK: Final = {role: rank for rank, role in enumerate(Role)}
