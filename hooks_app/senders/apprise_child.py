"""The child that runs Apprise: every connection goes through the guard, whichever library makes it."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from hooks_app.outbound import Guard
from hooks_app.senders.apprise_sender import FAILED, REFUSED, SENT, UNREADABLE


class _Watch:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.refused = False

    def install(self) -> None:
        """From here on no socket of this process connects to an address that the guard has not judged."""
        watch = self

        def judged(connect: Callable[..., Any]) -> Callable[..., Any]:
            def connected(self: socket.socket, address: Any) -> Any:
                watch.check(self.family, address)
                return connect(self, address)

            return connected

        for name in ("connect", "connect_ex"):
            setattr(socket.socket, name, judged(getattr(socket.socket, name)))

    def check(self, family: int, address: Any) -> None:
        """Raises PermissionError for an address that may not be reached; a name is resolved before it gets here."""
        try:
            allowed = family in (socket.AF_INET, socket.AF_INET6) and self._guard.may(
                ip_address(str(address[0]).partition("%")[0])
            )
        except (ValueError, TypeError, IndexError):
            allowed = False
        if not allowed:
            self.refused = True
            raise PermissionError("not a public address")


def main() -> int:
    """Entry point; the exit status says what came of it."""
    asked = json.load(sys.stdin)
    logging.disable()
    watch = _Watch(Guard(tuple(ip_network(text) for text in asked["listed"])))
    watch.install()
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id="Headend", app_url="", async_mode=False, plugin_paths=[], storage_mode="memory")
    teller = Apprise(asset=asset)
    if not teller.add(asked["url"]):
        return UNREADABLE
    if teller.notify(title=asked["title"], body=asked["body"], body_format="text"):
        return SENT
    return REFUSED if watch.refused else FAILED


if __name__ == "__main__":
    sys.exit(main())
