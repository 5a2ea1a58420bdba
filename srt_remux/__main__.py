"""headend-remux: what srt-remux@.service runs, with a caller's connection on standard input."""

from __future__ import annotations

import socket
import sys

from srt_remux import faults, options
from srt_remux.faults import FaultError
from srt_remux.lookout import CallerLeftError
from srt_remux.options import Options
from srt_remux.preamble import Preamble
from srt_remux.remux import admitted, carry
from srt_remux.report import say
from srt_remux.session import CutError, StoppedError

ENDED, CUT, USAGE, REFUSED = 0, 1, 2, 3
"""Exit statuses: the caller ended, or we were told to; something here did; wrong start; it cannot be carried."""


def main() -> int:
    """The exit status."""
    try:
        wanted = options.parse(sys.argv[1:])
        caller = socket.socket(fileno=0)
    except ValueError as error:
        say("headend-remux", f"{error}. {options.USAGE}")
        return USAGE
    except OSError:
        say("headend-remux", f"standard input is not a socket. {options.USAGE}")
        return USAGE
    with caller:
        caller.setblocking(True)
        try:
            who = admitted(caller)
        except (ValueError, CallerLeftError) as error:
            say("headend-remux", f"{error}")
            return CUT
        return _carry(caller, who, wanted)


def _carry(caller: socket.socket, who: Preamble, wanted: Options) -> int:
    try:
        carry(caller, who, wanted)
    except FaultError as fault:
        say(who.slug, f"refused: {fault}")
        try:
            faults.write(wanted.faults_dir, who.slug, fault)
        except OSError as error:
            say(who.slug, f"cannot report it in {wanted.faults_dir}: {error.strerror}")
        return REFUSED
    except CutError as cut:
        say(who.slug, f"ended: {cut}")
        return CUT
    except CallerLeftError as left:
        say(who.slug, f"ended: {left}")
        return ENDED
    except StoppedError:
        return ENDED
    return ENDED


if __name__ == "__main__":
    sys.exit(main())
