"""How soon everyone hears: from an encoder's connection to the post that arrives at a receiver of Discord's shape.

The demo host (./run demo --no-publish) is published to again and again. Each time counts from before the encoder
connects; its handshake, the encoder's start and the first segment of every rendition are part of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.report import table, verdict
from testbed import receiver
from testbed.clip import demo_clip
from testbed.demo import DEMO, pid_file
from testbed.fault import TestbedError
from testbed.origin import Key
from testbed.publisher import Publisher, stop_left_over

PROMISED_MEDIAN_SECONDS = 2.0
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 15.0


def main() -> int:
    """Exit status 1 if the promise was not kept."""
    parser = argparse.ArgumentParser(prog="./run bench announce", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    if not DEMO.host.running():
        print("bench announce: no host demo. Start it: ./run demo --no-publish", file=sys.stderr)
        return 2
    stop_left_over(pid_file())
    receiver.start(DEMO.host)
    key, film = DEMO.add_key(), demo_clip()
    try:
        rounds = [measure(key, film) for _ in range(options.rounds)]
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 2
    told = {name: [one[name] for one in rounds] for name in (receiver.DISCORD, receiver.SITE)}
    table(told, "s")
    middle = {name: median(seconds) for name, seconds in told.items()}
    result = {
        "bench": "announce",
        **{f"{name.removeprefix('demo-')}_s": round(seconds, 3) for name, seconds in middle.items()},
        "promised_median_s": PROMISED_MEDIAN_SECONDS,
    }
    return verdict(result, ok=max(middle.values()) <= PROMISED_MEDIAN_SECONDS)


def measure(key: Key, film: Path) -> dict[str, float]:
    """Seconds from connecting to the arrival at each receiver."""
    DEMO.wait_off_air(seconds=30)
    with tempfile.TemporaryDirectory() as folder:
        publisher = Publisher.start(film, DEMO.publish_url(key.secret), Path(folder) / "log.jsonl", None)
        try:
            connecting = publisher.wait("connecting")["at"]
            end = time.monotonic() + PATIENCE_SECONDS
            while True:
                told = {
                    one.destination: round(one.at - connecting, 3)
                    for one in receiver.received(DEMO.host, since=connecting)
                    if one.occasion == "live" and one.genuine
                }
                if len(told) == 2:
                    return told
                if time.monotonic() > end:
                    raise TestbedError(f"bench announce: not everyone was told within {PATIENCE_SECONDS:.0f} s")
                time.sleep(POLL_SECONDS)
        finally:
            publisher.stop()


if __name__ == "__main__":
    sys.exit(main())
