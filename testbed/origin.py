"""The deployed origin of the laboratory as its users reach it: the API, the keys, the addresses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from testbed.fault import TestbedError
from testbed.host import Host

RTMP_PORT = 1935
HTTP_PORT = 8080
SRT_PORT = 9000
"""Inside the host; outside, on this machine's 127.0.0.1, an origin may have others."""
OFF_AIR = ("offline", "ended", "archived")
"""What a stream is while nobody publishes it and nothing is planned."""


@dataclass(frozen=True, slots=True)
class Key:
    """A stream key; `secret` was printed once by the host and is kept nowhere."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """One stream of the origin on a host of the laboratory."""

    host: Host
    slug: str
    rtmp_port: int = RTMP_PORT
    http_port: int = HTTP_PORT
    srt_port: int = SRT_PORT

    @property
    def ports(self) -> tuple[str, ...]:
        """What the host publishes on this machine."""
        return (
            f"{self.rtmp_port}:{RTMP_PORT}/tcp",
            f"{self.http_port}:{HTTP_PORT}/tcp",
            f"{self.srt_port}:{SRT_PORT}/udp",
        )

    @property
    def http(self) -> str:
        """Where viewers find it; the spec's public_url must say the same."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def watch_page(self) -> str:
        """The page that plays the stream."""
        return f"{self.http}/watch/{self.slug}"

    def publish_url(self, secret: str | None) -> str:
        """Where an encoder publishes over RTMP; with the key if it is given."""
        query = "" if secret is None else f"?key={secret}"
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{self.slug}{query}"

    def srt_url(self, key: Key | None, *, signed: bool = False) -> str:
        """Where an encoder publishes over SRT, as libsrt spells it; with what lets it in if a key is given."""
        if key is None:
            return f"srt://127.0.0.1:{self.srt_port}?streamid={self.slug}"
        return str(self.srt_settings(key, signed=signed)["url"])

    def srt_settings(self, key: Key, *, signed: bool = False) -> dict[str, Any]:
        """What the host says to type into encoders (`headend-key srt-url`), with this machine's port."""
        way = "--signed" if signed else "--encrypted"
        argv = ["headend-key", "srt-url", self.slug, "--key", key.key_id, way, "--json"]
        said = self.host.run(argv).stdout
        inner = urlsplit(json.loads(said)["url"]).netloc
        settings: dict[str, Any] = json.loads(said.replace(f"//{inner}", f"//127.0.0.1:{self.srt_port}"))
        return settings

    def add_key(self) -> Key:
        """A new key for the stream, made on the host; of two that there were the older one is revoked."""
        made = json.loads(self.host.run(["headend-key", "add", self.slug, "--replace", "--json"]).stdout)
        return Key(made["key_id"], made["key"])

    @contextmanager
    def spare_key(self) -> Iterator[Key]:
        """A second key for a while: whoever made the first one keeps it."""
        key = self.add_key()
        try:
            yield key
        finally:
            self.host.run(["headend-key", "revoke", key.key_id])

    def state(self) -> dict[str, Any]:
        """The API's answer about the stream; raises TestbedError if there is none."""
        url = f"{self.http}/api/v1/streams/{self.slug}"
        try:
            answer = requests.get(url, timeout=5, proxies={"http": ""})
            answer.raise_for_status()
        except requests.RequestException as error:
            raise TestbedError(f"origin {url}: {error}") from None
        body: dict[str, Any] = answer.json()
        return body

    def wait_state(self, *states: str, seconds: float = 15.0) -> dict[str, Any]:
        """The API's answer once the state is one of these; raises TestbedError after `seconds`."""
        end = time.monotonic() + seconds
        while (answer := self.state())["state"] not in states:
            if time.monotonic() > end:
                wanted = " or ".join(states)
                raise TestbedError(f"origin {self.slug}: is {answer['state']}, not {wanted}, after {seconds:.0f} s")
            time.sleep(0.05)
        return answer

    def wait_off_air(self, seconds: float = 15.0) -> dict[str, Any]:
        """The API's answer once nobody is on air, whatever was before; raises TestbedError after `seconds`."""
        return self.wait_state(*OFF_AIR, seconds=seconds)
