"""Apprise: its services, by a child process of its own, which opens no connection that the guard does not allow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from headend.announcing.words import Words
from hooks_app.outbound import Network
from hooks_app.senders.outcome import Again, Broken, Outcome, Sent, Unknown

SECONDS = 30.0
CHILD = (sys.executable, "-m", "hooks_app.senders.apprise_child")
SENT, FAILED, REFUSED, UNREADABLE = 0, 3, 4, 5


def send(url: str, words: Words, schemes: Sequence[str], listed: Sequence[Network]) -> Outcome:
    """Send it. The URL, which is a secret, goes by standard input."""
    scheme = url.partition("://")[0].lower()
    if scheme not in schemes:
        return Broken("its scheme is not listed in outbound.apprise_schemes")
    asked = {"url": url, "title": words.title, "body": words.body, "listed": [str(network) for network in listed]}
    try:
        done = subprocess.run(
            CHILD,
            input=json.dumps(asked).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Unknown("no answer in time", again=False)
    match done.returncode:
        case 0:
            return Sent()
        case 3:
            return Again("the service did not take it")
        case 4:
            return Broken("an address of the service is not public, and not listed in outbound.allow")
        case 5:
            return Broken("Apprise cannot read the URL")
        case _:
            return Again(f"Apprise ended with {done.returncode}")
