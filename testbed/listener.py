"""Somebody who listens to the feed of an origin (GET /api/v1/feed)."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import requests

from testbed.origin import Origin


class Listener:
    """Hears the feed in a thread, with the moment of each change."""

    def __init__(self, origin: Origin) -> None:
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self.connected = threading.Event()
        self._session = requests.Session()
        self._session.trust_env = False
        url = f"{origin.http}/api/v1/feed?stream={origin.slug}"
        self._answer = self._session.get(url, stream=True, timeout=(5, 30))
        threading.Thread(target=self._listen, daemon=True).start()

    def states(self, subject: str = "session") -> list[str]:
        """What it heard, in order."""
        return [change["after"] for _, change in self.heard if (change["session_id"] is None) == (subject == "event")]

    def close(self) -> None:
        """Hang up."""
        self._answer.close()
        self._session.close()

    def _listen(self) -> None:
        try:
            for line in self._answer.iter_lines(decode_unicode=True):
                self.connected.set()
                if line.startswith("data: "):
                    self.heard.append((time.monotonic(), json.loads(line.removeprefix("data: "))))
        except (requests.RequestException, AttributeError):
            return
