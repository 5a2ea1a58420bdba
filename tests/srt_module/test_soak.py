"""Does a minute of callers who come and go leave anything behind: a report, a descriptor, memory?"""

from __future__ import annotations

import os
import signal

import pytest

from tests.srt_module.soak import CALLERS, soak
from tests.support.srt_nginx import running_srt, srt_build, wait_for

# A build with sanitizers, and a minute of two dozen callers.
pytestmark = [pytest.mark.host, pytest.mark.slow]

SECONDS = 60
# The quarantine of AddressSanitizer still fills in the first minutes.
MOST_KIB_PER_MINUTE = 64 * 1024


def test_a_minute_of_callers_leaves_nothing_behind() -> None:
    report = soak(SECONDS)
    assert report.sanitizer == ""
    assert not report.notes.wrong, str(report)
    assert (report.same_worker, report.exit_status) == (True, 0)
    assert report.descriptors_after <= report.descriptors_before, str(report)
    assert report.kib_per_minute < MOST_KIB_PER_MINUTE, str(report)
    assert report.accepted > 2 * CALLERS, str(report)


def test_a_report_of_a_sanitizer_is_seen() -> None:
    with pytest.raises(RuntimeError, match="AddressSanitizer: SEGV"):
        let_a_worker_die()


def let_a_worker_die() -> None:
    """A worker of the sanitizer build meets a SIGSEGV; stopping the server raises what the sanitizer said."""
    with running_srt("unix:/nobody", "soak-0", prefix=srt_build(sanitize=True)) as server:
        assert server.reports() == ""
        os.kill(server.worker_pid, signal.SIGSEGV)
        wait_for(server.reports, "no report of a worker that died")
