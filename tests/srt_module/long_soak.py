"""Two dozen callers who come and go, for as long as you like:

python -m tests.srt_module.long_soak --seconds 1800 [--product]
"""

from __future__ import annotations

import argparse
import time

from tests.srt_module.soak import soak

# What a half hour may add, by least squares, and be called flat.
MOST_KIB_PER_MINUTE = 256


def main() -> int:
    """Print the report; exit status 1 if anything is left behind, or grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--product", action="store_true", help="the build that hosts run, without sanitizers")
    options = parser.parse_args()
    print(time.strftime("%Y-%m-%d %H:%M:%S"), flush=True)
    report = soak(options.seconds, options.seed, sanitize=not options.product)
    print(report)
    clean = not report.sanitizer and not report.notes.wrong and report.same_worker and report.exit_status == 0
    flat = report.descriptors_after <= report.descriptors_before and report.kib_per_minute < MOST_KIB_PER_MINUTE
    return 0 if clean and flat else 1


if __name__ == "__main__":
    raise SystemExit(main())
