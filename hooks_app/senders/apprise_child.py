"""The child that runs Apprise: it is asked by standard input, and answers with a report of what it saw."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

from hooks_app.deadline import Deadline
from hooks_app.outbound import Guard
from hooks_app.senders.apprise_report import Report
from hooks_app.senders.apprise_watch import Watch


def main() -> int:
    """Entry point."""
    asked = json.load(sys.stdin)
    # What a plugin prints is no part of the report.
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        logging.disable()
        out.write(told(asked).model_dump_json())
    return 0


def told(asked: dict[str, Any]) -> Report:
    """Tell it, once."""
    with Deadline(asked["end"] - time.monotonic()) as deadline:
        watch = Watch(Guard(tuple(ip_network(text) for text in asked["listed"])), deadline)
        watch.install()
        from apprise import Apprise, AppriseAsset
        from apprise.utils.parse import parse_urls

        asset = AppriseAsset(app_id="Headend", app_url="", async_mode=False, plugin_paths=[], storage_mode="memory")
        # A text of several would be several services, of which only the first one's scheme was looked at.
        urls = parse_urls(asked["url"])  # type: ignore[no-untyped-call]
        service = Apprise.instantiate(asked["url"], asset=asset) if urls == [asked["url"]] else None
        if service is None:
            return Report(readable=False)
        # Whether it is tried again is decided by who knows what came of it.
        service.retry = 0
        teller, seen = Apprise(asset=asset), Report()
        teller.add(service)
        try:
            said = bool(teller.notify(title=asked["title"], body=asked["body"], body_format="text"))
            seen = seen.model_copy(update={"told": said})
        except Exception as error:
            seen = seen.model_copy(update={"failed": type(error).__name__})
        targets = 1
        with suppress(Exception):
            targets = len(service)
        more = {"refused": watch.refused, "connected": watch.connected, "calls": tuple(watch.calls)}
        return seen.model_copy(update={**more, "targets": targets})


if __name__ == "__main__":
    sys.exit(main())
