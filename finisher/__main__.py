"""headend-finish: what headend-finish@.service runs, for one recording."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from contextlib import suppress

from finisher import files, job
from finisher.fault import FaultError
from finisher.finish import RESULT, finish

FAILED, USAGE = 1, 2
"""Exit statuses: no result could be written; wrong start. 0: there is a result, good or bad."""


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="headend-finish", description="Makes one file of the parts of a recording.")
    parser.add_argument("--folder", required=True, help="the recording's folder, with job.json in it")
    folder: str = parser.parse_args().folder
    try:
        recording = job.recording_of(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.fchdir(descriptor)
    except ValueError as error:
        return _say(USAGE, f"--folder {error}")
    except OSError as error:
        return _say(USAGE, f"--folder {folder}: {error.strerror}")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _say(FAILED, f"recording {recording}: another run is at work on it")
    result = finish(recording)
    try:
        files.write(RESULT, json.dumps(result, indent=2) + "\n")
    except OSError as error:
        with suppress(OSError):
            files.remove(files.new(RESULT))
        if result["ok"]:
            # Nobody will know of what was made, and the parts are there: the room belongs to what is on air.
            with suppress(OSError, FaultError):
                files.sweep(job.read(recording))
        return _say(FAILED, f"recording {recording}: its result cannot be written: {error.strerror}")
    if result["fault"]:
        _say(0, f"recording {recording}: {result['fault']}")
    return 0


def _say(status: int, sentence: str) -> int:
    print(f"headend-finish: {sentence}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
