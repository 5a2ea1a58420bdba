"""What SRT ingest costs: CPU seconds per Mbit of stream, against srt-live-transmit on the same libsrt.

Ten callers send 2.7 Mbit/s each, as MPEG-TS encoders do. Ours is nginx with the SRT module, which hands each of them on
to a unix socket; the reference is ten srt-live-transmit, each from SRT to a UDP socket of this machine, which is the
least that it can do. They take turns, encrypted (AES-128) and plain, and the far end only reads. Counted is the user
and system time of nginx's worker, and of the ten processes together.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from statistics import median

from bench.report import table, verdict
from bench.srt_contestants import CALLERS, MAKERS, Contestant
from testbed.fault import TestbedError
from testbed.srt_socket import PAYLOAD

STREAM_MBPS = 2.7
PROMISED_RATIO = 1.0
WARM_UP_SECONDS = 2.0
MEGA = 1e6

# Seven null packets of MPEG-TS.
MESSAGE = (b"\x47\x1f\xff\x10" + bytes(184)) * 7


def cost(contestant: Contestant, seconds: float) -> float:
    """CPU seconds per Mbit while all callers send, one message after the other, evenly."""
    with ExitStack() as stack:
        callers = [stack.enter_context(caller) for caller in contestant.callers()]
        pace = PAYLOAD * 8 / (STREAM_MBPS * MEGA * CALLERS)
        warm = round(WARM_UP_SECONDS / pace)
        began, before = time.monotonic(), 0.0
        for number in range(warm + round(seconds / pace)):
            if number == warm:
                before = contestant.cpu_seconds()
            if (ahead := began + number * pace - time.monotonic()) > 0:
                time.sleep(ahead)
            callers[number % CALLERS].send(MESSAGE)
        spent = contestant.cpu_seconds() - before
    return spent / (seconds * STREAM_MBPS * CALLERS)


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(prog="bench.srt", description=__doc__)
    top.add_argument("--seconds", type=float, default=20.0, help="length of a round")
    top.add_argument("--rounds", type=int, default=5)
    return top


def measure(seconds: float, rounds: int) -> dict[str, list[float]]:
    """CPU seconds per 1000 Mbit of every round, by contestant and way in."""
    costs: dict[str, list[float]] = {f"{name} {way}": [] for way in ("encrypted", "plain") for name in MAKERS}
    for _ in range(rounds):
        for way in ("encrypted", "plain"):
            for name, make in MAKERS.items():
                with make(encrypted=way == "encrypted") as contestant:
                    costs[f"{name} {way}"].append(1000 * cost(contestant, seconds))
    return costs


def main() -> int:
    """Measure in turns, print, and fail above the promised ratio."""
    options = parser().parse_args()
    try:
        costs = measure(options.seconds, options.rounds)
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 1
    table(costs, "CPU-s per 1000 stream-Mbit")
    result: dict[str, object] = {"bench": "srt"}
    ratios = []
    for way in ("encrypted", "plain"):
        pairs = zip(costs[f"ours {way}"], costs[f"reference {way}"], strict=True)
        ratios.append(round(median(ours / theirs for ours, theirs in pairs), 3))
        result[f"ours_{way}"] = round(median(costs[f"ours {way}"]) / 1000, 6)
        result[f"reference_{way}"] = round(median(costs[f"reference {way}"]) / 1000, 6)
        result[f"ratio_{way}"] = ratios[-1]
    return verdict(result | {"promised": PROMISED_RATIO}, ok=max(ratios) <= PROMISED_RATIO)


if __name__ == "__main__":
    sys.exit(main())
