"""A viewer: follows master playlist, media playlists and segments over HTTP, as a player would."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urljoin

import m3u8
import requests

from testbed.fault import TestbedError

POLL_SECONDS = 0.02
REQUEST_SECONDS = 5.0


class Viewer:
    """One player at one master playlist."""

    def __init__(self, master_url: str) -> None:
        self.master_url = master_url
        self.http = requests.Session()
        # A player on this machine reaches 127.0.0.1 directly, whatever proxy the machine has.
        self.http.trust_env = False

    def text(self, url: str) -> str | None:
        """Body of a URL; None if the server says anything but 200 or nothing at all."""
        try:
            answer = self.http.get(url, timeout=REQUEST_SECONDS)
        except requests.RequestException:
            return None
        return answer.text if answer.status_code == requests.codes.ok else None

    def renditions(self) -> dict[str, str]:
        """Media playlist URL of each rendition by the rendition's name, in the master playlist's order."""
        master = m3u8.loads(self.text(self.master_url) or "")
        return {variant.uri.split("/")[0]: urljoin(self.master_url, variant.uri) for variant in master.playlists}

    def segments(self, media_url: str) -> list[str]:
        """URLs of the segments that a media playlist lists now, oldest first; empty if there is no playlist yet."""
        media = m3u8.loads(self.text(media_url) or "")
        return [urljoin(media_url, segment.uri) for segment in media.segments]

    def listed(self) -> dict[str, set[str]]:
        """What every media playlist lists now: segments of an earlier session stay in it for a while."""
        return {name: set(self.segments(url)) for name, url in self.renditions().items()}

    def wait_playable(self, seen: Mapping[str, set[str]], seconds: float = 30.0) -> float:
        """Moment (CLOCK_MONOTONIC) at which every rendition had a segment that is not in `seen` and that downloads.

        Raises TestbedError with the renditions still missing after `seconds`.
        """
        end = time.monotonic() + seconds
        missing = self.renditions()
        while True:
            for name, url in list(missing.items()):
                fresh = [segment for segment in self.segments(url) if segment not in seen.get(name, set())]
                if fresh and self.downloads(fresh[0]):
                    del missing[name]
            now = time.monotonic()
            if not missing:
                return now
            if now > end:
                raise TestbedError(f"viewer {self.master_url}: {', '.join(missing)} not playable after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def downloads(self, url: str) -> bool:
        """Whether a segment arrives, whole and not empty."""
        try:
            answer = self.http.get(url, timeout=REQUEST_SECONDS)
        except requests.RequestException:
            return False
        return answer.status_code == requests.codes.ok and len(answer.content) > 0
