"""Is the unit's command line read, and everything else refused?"""

from __future__ import annotations

import pytest

from srt_remux.options import Options, parse

GOOD = ["--publish-socket", "/p", "--faults-dir=/f", "--application", "live"]


def test_both_spellings() -> None:
    assert parse(GOOD) == Options("/p", "/f", "live")


@pytest.mark.parametrize(
    "arguments,sentence",
    [
        ([], "missing"),
        (GOOD[:3], "--application: missing"),
        ([*GOOD[:3], "--application"], "--application: no value"),
        ([*GOOD, "--faults-dir=/g"], "--faults-dir: given twice"),
        ([*GOOD, "--verbose"], "--verbose: unknown option"),
    ],
)
def test_refused(arguments: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(arguments)
