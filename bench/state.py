"""How soon a publish is told: from an encoder's connection to the state that a client polls, and that the feed says.

The demo host (./run demo --no-publish) is published to again and again. Each time counts from before the encoder
connects to the first answer that says `starting`; the encoder's handshake is part of it. What of that is the app's own
answer to on_publish, without the encoder's attach, is read from its histogram.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import requests

from bench.own_time import buckets, quantile
from bench.report import table, verdict
from testbed.clip import demo_clip
from testbed.demo import DEMO, pid_file
from testbed.fault import TestbedError
from testbed.listener import Listener
from testbed.origin import Key
from testbed.publisher import Publisher, stop_left_over

PROMISED_MEDIAN_SECONDS = 0.5
PROMISED_WORST_SECONDS = 2.0
PROMISED_OWN_P99_SECONDS = 0.05
POLL_SECONDS = 0.02
METRICS = "curl --silent --fail http://127.0.0.1:8090/metrics"
PATIENCE_SECONDS = 10.0


def main() -> int:
    """Exit status 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(prog="./run bench state", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    if not DEMO.host.running():
        print("bench state: no host demo. Start it: ./run demo --no-publish", file=sys.stderr)
        return 2
    stop_left_over(pid_file())
    key, film = DEMO.add_key(), demo_clip()
    try:
        before = buckets(DEMO.host.shell(METRICS))
        rounds = [measure(key, film) for _ in range(options.rounds)]
        after = buckets(DEMO.host.shell(METRICS))
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 2
    polled, told = [one[0] for one in rounds], [one[1] for one in rounds]
    table({"polled": polled, "feed": told}, "s")
    middle = {"polled": median(polled), "feed": median(told)}
    worst = max(*polled, *told)
    own = {share: quantile(share, before, after) for share in (0.5, 0.99)}
    result = {
        "bench": "state",
        "polled_s": round(middle["polled"], 3),
        "feed_s": round(middle["feed"], 3),
        "worst_s": round(worst, 3),
        "promised_median_s": PROMISED_MEDIAN_SECONDS,
        "promised_worst_s": PROMISED_WORST_SECONDS,
        "on_publish_p50_s": round(own[0.5], 4),
        "on_publish_p99_s": round(own[0.99], 4),
        "promised_on_publish_p99_s": PROMISED_OWN_P99_SECONDS,
    }
    ok = max(middle.values()) <= PROMISED_MEDIAN_SECONDS and worst <= PROMISED_WORST_SECONDS
    ok = ok and own[0.99] <= PROMISED_OWN_P99_SECONDS
    return verdict(result, ok=ok)


def measure(key: Key, film: Path) -> tuple[float, float]:
    """Seconds from connecting to `starting`: for a client that polls, and for one that listens."""
    DEMO.wait_off_air(seconds=30)
    listener = Listener(DEMO)
    listener.connected.wait(PATIENCE_SECONDS)
    seen: list[float] = []
    over = threading.Event()
    poller = threading.Thread(target=poll, args=(seen, over))
    poller.start()
    with tempfile.TemporaryDirectory() as folder:
        publisher = Publisher.start(film, DEMO.publish_url(key.secret), Path(folder) / "log.jsonl", None)
        try:
            connecting = publisher.wait("connecting")["at"]
            end = time.monotonic() + PATIENCE_SECONDS
            while not (seen and "starting" in listener.states()) and time.monotonic() < end:
                time.sleep(POLL_SECONDS)
        finally:
            over.set()
            poller.join()
            publisher.stop()
            listener.close()
    heard = [at for at, change in listener.heard if change["after"] == "starting"]
    if not seen or not heard:
        raise TestbedError(f"bench state: `starting` was not seen within {PATIENCE_SECONDS:.0f} s")
    return seen[0] - connecting, heard[0] - connecting


def poll(seen: list[float], over: threading.Event) -> None:
    """Ask for the state again and again, until it is not off air."""
    with requests.Session() as session:
        session.trust_env = False
        while not over.wait(POLL_SECONDS) and not seen:
            answer = session.get(f"{DEMO.http}/api/v1/streams/{DEMO.slug}", timeout=5)
            if answer.ok and answer.json()["state"] in {"starting", "live"}:
                seen.append(time.monotonic())


if __name__ == "__main__":
    sys.exit(main())
