"""What came of an attempt."""

from __future__ import annotations

from dataclasses import dataclass

REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived."""

    status: int | None = None
    receipt: str | None = None
    """By what the place calls it."""
    reason: str | None = None
    """What people should know of it though it arrived: whom it did not reach."""


@dataclass(frozen=True, slots=True)
class Again:
    """It did not arrive, and may at another try."""

    reason: str
    status: int | None = None
    after_seconds: float | None = None
    """How long the place wants to be left alone; None: it did not say."""
    everywhere: bool = False
    """Whether that goes for every place of the kind."""


@dataclass(frozen=True, slots=True)
class Dead:
    """It will never arrive; others may."""

    reason: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """Nothing will arrive there as the place is declared."""

    reason: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have arrived."""

    reason: str
    again: bool
    """Whether to try again: where the receiver tells a repetition by its id."""


Outcome = Sent | Again | Dead | Broken | Unknown
