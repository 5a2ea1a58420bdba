"""nginx-rtmp's control page: lets an encoder's stream end, so that it finishes what it has and leaves by itself.

FFmpeg that waits on a stream without data does not act on its first SIGTERM (fftools: one signal means "finish", and it
is still reading; two mean "drop everything", and truncate the playlist). What it does notice is the end of its input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import requests
import structlog

from hooks_app.units import Units

TIMEOUT_SECONDS = 0.3

log = structlog.get_logger(__name__)


class Control(Protocol):
    """Ends connections on the ingest."""

    def drop_players(self, slug: str) -> None:
        """End the stream for whoever plays it. Where nginx does not answer, nobody plays: never raises."""
        ...


class HttpControl:
    """The real control page, on loopback."""

    def __init__(self, url: str, application: str) -> None:
        self._url = f"{url}/drop/subscriber"
        self._application = application

    def drop_players(self, slug: str) -> None:
        """End the stream for whoever plays it; never raises."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                # nginx-rtmp's control takes GET only (ngx_rtmp_control_module.c).
                asked = {"app": self._application, "name": slug}
                session.get(self._url, params=asked, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            except requests.RequestException as error:
                log.warning("players not dropped", stream=slug, error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class Encoders:
    """The encoder units, each told by its own stream's end that it is over, and by systemd that it shall stay so."""

    units: Units
    control: Control

    def restart(self, slug: str) -> None:
        """Have a fresh encoder, whatever ran before. Does not wait for it. Raises UnitError."""
        self.control.drop_players(slug)
        self.units.restart(slug)

    def stop(self, slug: str) -> None:
        """Have no encoder. Does not wait for its end. Raises UnitError."""
        self.units.stop(slug)
        self.control.drop_players(slug)

    def running(self) -> frozenset[str]:
        """Slugs of the encoders that run or are about to. Raises UnitError."""
        return self.units.running()
