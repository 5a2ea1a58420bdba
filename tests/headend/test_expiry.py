"""Is a duration or a time understood as people mean it?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headend.model.expiry import expiry

NOW = datetime(2027, 1, 31, 20, 0, 0, 900_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text,wanted",
    [
        ("90s", "2027-01-31T20:01:30+00:00"),
        ("15m", "2027-01-31T20:15:00+00:00"),
        ("2h", "2027-01-31T22:00:00+00:00"),
        ("30d", "2027-03-02T20:00:00+00:00"),
        ("2w", "2027-02-14T20:00:00+00:00"),
        ("2027-01-31T20:00:30Z", "2027-01-31T20:00:30+00:00"),
        ("2027-01-31T23:00+01:00", "2027-01-31T22:00:00+00:00"),
        ("2027-01-31 22:30", "2027-01-31T22:30:00+00:00"),
        ("2027-02-01", "2027-02-01T00:00:00+00:00"),
    ],
)
def test_when(text: str, wanted: str) -> None:
    assert expiry(text, NOW).isoformat() == wanted


@pytest.mark.parametrize(
    "text,sentence",
    [
        ("", "neither a duration"),
        ("2", "neither a duration"),
        ("0h", "neither a duration"),
        ("-2h", "neither a duration"),
        ("2h30m", "neither a duration"),
        ("2 h", "neither a duration"),
        ("tomorrow", "neither a duration"),
        ("2027-02-30", "neither a duration"),
        ("2027-01-31T20:00:00Z", "that time is over"),
        ("2020-01-01", "that time is over"),
        ("9999-12-31", "that is too far away"),
        ("99999w", "that is too far away"),
    ],
)
def test_what_is_no_time_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        expiry(text, NOW)
