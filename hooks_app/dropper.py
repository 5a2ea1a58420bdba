"""nginx-rtmp's control page: drops a publisher."""

from __future__ import annotations

from typing import Protocol

import requests

TIMEOUT_SECONDS = 1.0


class DropError(Exception):
    """The control page did not answer, or not as it should."""


class Dropper(Protocol):
    """Drops publishers."""

    def drop(self, slug: str) -> bool:
        """Cut the stream's publisher; False where there is none. Raises DropError."""
        ...


class HttpDropper:
    """The real control page, on loopback."""

    def __init__(self, control_url: str, application: str) -> None:
        self._url = f"{control_url}/drop/publisher"
        self._application = application

    def drop(self, slug: str) -> bool:
        """Cut the stream's publisher; False where there is none. Raises DropError.

        An SRT caller goes with it: its remuxer is the publisher here.
        """
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(
                    self._url,
                    params={"app": self._application, "name": slug},
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                raise DropError(f"control page: {type(error).__name__}") from error
        if answer.status_code != 200:
            raise DropError(f"control page answered {answer.status_code}")
        # The body is the number of sessions that were dropped (ngx_rtmp_control_module.c).
        return answer.text.strip() not in ("", "0")
