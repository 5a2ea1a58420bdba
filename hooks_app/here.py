"""This host and this boot of it: what a moment on the monotonic clock belongs to."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime

from hooks_app.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A moment, by both clocks of one boot of one host."""

    at: datetime
    monotonic: float
    boot_id: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Makes stamps."""

    clock: Clock
    host: str
    boot_id: str
    """systemd's %b; any other text will do that is the same for one boot and for no other."""

    @classmethod
    def own(cls, clock: Clock, boot_id: str) -> Here:
        """This machine."""
        return cls(clock=clock, host=socket.gethostname()[:64], boot_id=boot_id)

    def stamp(self) -> Stamp:
        """Now."""
        return Stamp(at=self.clock.now(), monotonic=self.clock.monotonic(), boot_id=self.boot_id, host=self.host)

    def seconds_since(self, at: datetime, monotonic: float | None, boot_id: str | None) -> float:
        """How long ago a moment was, by the monotonic clock if it was in this boot; at least 0."""
        if monotonic is not None and boot_id == self.boot_id:
            return max(0.0, self.clock.monotonic() - monotonic)
        return max(0.0, (self.clock.now() - at).total_seconds())
