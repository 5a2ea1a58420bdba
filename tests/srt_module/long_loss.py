"""The show over a bad line, for as long as you like:

python -m tests.srt_module.long_loss --seconds 600
"""

from __future__ import annotations

import argparse
import time

from testbed.clip import demo_clip
from tests.srt_module.loss import show_over_a_bad_line


def main() -> int:
    """Print the report; exit status 1 if anything is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    print(time.strftime("%Y-%m-%d %H:%M:%S"), flush=True)
    report = show_over_a_bad_line(demo_clip(), options.seconds)
    print(report)
    whole = report.bytes_handed_on == report.bytes_sent
    return 0 if whole and report.discontinuities == report.sync_losses == report.packets_dropped == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
