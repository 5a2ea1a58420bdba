"""Apprise: its services, by a child process of its own, which opens no connection that the guard does not allow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from headend.announcing.words import Words
from hooks_app.outbound import SECONDS, Network
from hooks_app.senders.apprise_report import Report, outcome_of_report
from hooks_app.senders.outcome import Broken, Outcome, Unknown

GRACE_SECONDS = 2.0
"""For the child's last words, after its time is up."""
# Isolated: neither the environment nor the folder that it is started in says what it loads.
CHILD = (sys.executable, "-I", "-m", "hooks_app.senders.apprise_child")
# No proxy, no credential's folder, nothing of systemd's.
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


def send(url: str, words: Words, schemes: Sequence[str], listed: Sequence[Network]) -> Outcome:
    """Send it. The URL, which is a secret, goes by standard input."""
    scheme = url.partition("://")[0].lower()
    if scheme not in schemes:
        return Broken("its scheme is not listed in outbound.apprise_schemes")
    asked = {
        "url": url,
        "title": words.title,
        "body": words.body,
        "listed": [str(network) for network in listed],
        # The monotonic clock is one for all processes of a host.
        "end": time.monotonic() + SECONDS,
    }
    try:
        done = subprocess.run(
            CHILD,
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            timeout=SECONDS + GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Unknown("no answer in time", again=False)
    try:
        report = Report.model_validate_json(done.stdout)
    except ValueError:
        return Unknown(f"Apprise ended with {done.returncode}, and said nothing", again=False)
    return outcome_of_report(report)
