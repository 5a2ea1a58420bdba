"""Does anything that a stranger could send break the parsers?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.srt_module.fuzzing import CORPUS, TARGETS, branch_coverage, build, fuzz, replay

LEAST_COVERED = 90.0
"""Per cent of the branches that the committed corpus must take: of all files, and of those that read a stream id."""
LEAST_COVERED_OF_ONE = 85.0
"""Of each other file: what is left is running out of memory, and what no stream id can reach."""
STREAM_ID_FILES = ("ngx_srt_streamid.c", "ngx_srt_token.c")

SHORT_SECONDS = 10
LONG_SECONDS = 300


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_nothing(name: str, tmp_path: Path) -> None:
    done = replay(build(name, tmp_path), CORPUS / name)
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_target_has_a_small_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    for path in CORPUS.glob("*/*"):
        assert path.stat().st_size <= 1024


@pytest.mark.slow
def test_the_corpus_takes_the_branches_of_the_parsers(tmp_path: Path) -> None:
    covered = branch_coverage(tmp_path)
    assert len(covered) == 6
    for name in ("all", *STREAM_ID_FILES):
        assert covered.pop(name) >= LEAST_COVERED, name
    assert min(covered.values()) >= LEAST_COVERED_OF_ONE, covered


@pytest.mark.slow
def test_ten_seconds_of_fuzzing(tmp_path: Path) -> None:
    assert fuzz(TARGETS, tmp_path, SHORT_SECONDS) == {}


@pytest.mark.host
@pytest.mark.timeout(LONG_SECONDS + 240)
def test_five_minutes_of_fuzzing(tmp_path: Path) -> None:
    """Needs no host, but all of the machine: where the tests of hosts run, one at a time."""
    assert fuzz(TARGETS, tmp_path, LONG_SECONDS) == {}
