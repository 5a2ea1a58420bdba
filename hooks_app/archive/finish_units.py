"""The units that join recordings, through systemctl: headend-finish@<recording id>."""

from __future__ import annotations

from typing import Protocol

from hooks_app.units import systemctl

# `activating` is what a oneshot is while it runs.
_RUNNING = frozenset({"active", "activating", "reloading", "deactivating"})


class FinishUnits(Protocol):
    """What the archiver may do to them."""

    def start(self, recording_id: int) -> None:
        """Have it run. Does not wait for it. Raises UnitError."""
        ...

    def running(self, recording_id: int) -> bool:
        """Whether it runs. Raises UnitError."""
        ...


class Systemctl:
    """The real ones. polkit lets the archiver's user start and stop these only."""

    def start(self, recording_id: int) -> None:
        """Queue a start; one that failed before may start again."""
        systemctl("start", "--no-block", _unit(recording_id))

    def running(self, recording_id: int) -> bool:
        """Ask for its state."""
        return systemctl("show", "--property=ActiveState", "--value", _unit(recording_id)).strip() in _RUNNING


def _unit(recording_id: int) -> str:
    return f"headend-finish@{recording_id:d}.service"
