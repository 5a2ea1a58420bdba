"""Is a show whole that comes over a line which loses one packet in twenty?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.srt_module.loss import show_over_a_bad_line

# Two network namespaces, a build, a minute.
pytestmark = [pytest.mark.host, pytest.mark.slow]

SECONDS = 60


def test_no_packet_is_missing_after_five_percent_of_loss_and_60_ms(film: Path) -> None:
    report = show_over_a_bad_line(film, SECONDS)
    assert (report.discontinuities, report.sync_losses, report.packets_dropped) == (0, 0, 0), report
    assert report.bytes_handed_on == report.bytes_sent
    # The line was as bad as it should be, and the stat page says so.
    assert 0.03 < report.packets_lost / report.packets_received < 0.07, report
    assert report.packets_retransmitted > 0.9 * report.packets_lost, report
    assert 55 < report.rtt_ms < 90, report
