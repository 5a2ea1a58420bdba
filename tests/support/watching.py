"""Somebody who looks all the time: which states a stream goes through, and whether viewers were ever turned away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import requests

from testbed.fault import TestbedError
from testbed.origin import Origin


class Watching(threading.Thread):
    """Calls `look` every `pause` seconds until the context ends; an exception of it is raised there."""

    def __init__(self, look: Callable[[], None], pause: float) -> None:
        super().__init__(daemon=True)
        self._look = look
        self._pause = pause
        self._over = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Look until told to stop."""
        try:
            while not self._over.wait(self._pause):
                self._look()
        except BaseException as error:
            self._error = error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self.join()
        if self._error and error is None:
            raise self._error


class States:
    """The states of a stream with the moment (CLOCK_MONOTONIC) at which each was first seen, in order."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.seen: list[tuple[str, float]] = []

    def look(self) -> None:
        """Ask the API once; while it is down nothing is known."""
        try:
            state = self._origin.state()["state"]
        except TestbedError:
            return
        if not self.seen or self.seen[-1][0] != state:
            self.seen.append((state, time.monotonic()))

    def names(self) -> list[str]:
        """The states without their moments."""
        return [name for name, _ in self.seen]

    def at(self, state: str) -> float:
        """When the state was first seen."""
        return next(moment for name, moment in self.seen if name == state)


class Door:
    """nginx@web as a viewer's player sees it: every answer that is not a 200 is written down."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = urls
        self._http = requests.Session()
        self._http.trust_env = False
        self.asked = 0
        self.refused: list[str] = []

    def look(self) -> None:
        """Ask for every URL once."""
        for url in self._urls:
            self.asked += 1
            try:
                status = str(self._http.get(url, timeout=2).status_code)
            except requests.RequestException as error:
                status = type(error).__name__
            if status != "200":
                self.refused.append(f"{time.strftime('%H:%M:%S')} {url} {status}")

    def close(self) -> None:
        """Hang up."""
        self._http.close()
