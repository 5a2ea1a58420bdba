"""Everything that CI runs, in one go: style, types, layers, tests, real hosts. `--fast` leaves the hosts out."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from defusedxml import ElementTree

from testbed.places import ROOT

REPORTS = ROOT / ".cache" / "proof"
BIN = Path(sys.executable).parent
PRODUCT = ("finisher", "headend", "deploys", "hooks_app", "srt_remux")

# pydantic and FastAPI hand the first two on; the others build, test and play here and are no dependencies of a package
# (requirements/dev.in). The time zones are data that the standard library reads.
DEPENDENCIES_AS_MEANT = "DEP003=pydantic_core|starlette|hatchling|av|m3u8,DEP002=tzdata|psycopg"


@dataclass(frozen=True, slots=True)
class Check:
    """A program that must end with 0."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    junit: bool = False
    """Whether it is a pytest (or starts one) and counts its tests in a report."""

    @property
    def report(self) -> Path:
        """Where a pytest writes what it counted."""
        return REPORTS / f"{self.name.replace(' ', '-')}.xml"


@dataclass(slots=True)
class Tally:
    """Passed, failed and skipped tests; a check without a report is one test."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, check: Check, returncode: int) -> None:
        """Count a finished check."""
        passed, failed, skipped = counted(check.report) if check.junit else (0, 0, 0)
        if returncode != 0 and failed == 0:
            failed = 1
        elif passed + failed == 0:
            passed = 1
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def line(self, seconds: float) -> str:
        """The last line, in pytest's words."""
        return f"===== {self.passed} passed, {self.failed} failed, {self.skipped} skipped in {seconds:.1f} s ====="


def counted(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a pytest report; nothing where pytest never came to write one."""
    if not report.exists():
        return 0, 0, 0
    suites = ElementTree.fromstring(report.read_text()).iter("testsuite")
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def pytest(name: str, *arguments: str) -> Check:
    """A pytest run that counts."""
    check = Check(name, ("pytest", "-q", *arguments), junit=True)
    return Check(name, (*check.argv, f"--junit-xml={check.report}"), junit=True)


def static_checks() -> list[Check]:
    """What reads the sources and runs nothing of them."""
    scripts = ("run", ".ci/run", *sorted(map(str, Path("templates").rglob("*.sh"))))
    return [
        Check("format", ("ruff", "format", "--check", ".")),
        Check("lint", ("ruff", "check", ".")),
        Check("types", ("mypy",)),
        Check("layers", ("lint-imports",)),
        Check("dependencies", ("deptry", ".", "--per-rule-ignores", DEPENDENCIES_AS_MEANT)),
        # Its lowest level repeats the S rules of ruff.
        Check("security", ("bandit", "-q", "-ll", "-r", *PRODUCT, "testbed")),
        Check("shell", ("shellcheck", *scripts)),
    ]


def host_checks() -> list[Check]:
    """What needs real hosts: one for viewers and faults, and molecule's own for the proof of the deploy."""
    molecule = Check("molecule", ("molecule", "test"), junit=True)
    options = f"-p no:cacheprovider --junit-xml={molecule.report}"
    return [
        pytest("hosts", "-m", "host", "--durations=10"),
        Check("molecule", molecule.argv, {"PYTEST_ADDOPTS": options}, junit=True),
    ]


def run(check: Check) -> tuple[Check, int, str]:
    """Run a check to its end; its exit code and everything it said."""
    check.report.unlink(missing_ok=True)
    done = subprocess.run(
        check.argv,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **check.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return check, done.returncode, done.stdout


def show(check: Check, returncode: int, said: str) -> None:
    """A line for a check that passed, all of its words for one that did not."""
    verdict = "passed" if returncode == 0 else f"FAILED with exit code {returncode}"
    print(f"{check.name}: {verdict}", flush=True)
    if returncode != 0:
        print(said.rstrip(), flush=True)


def watch(check: Check) -> int:
    """Run a check with its words on the screen as they come; its exit code."""
    check.report.unlink(missing_ok=True)
    print(f"{check.name}: {' '.join(check.argv)}", flush=True)
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **check.environment}
    return subprocess.run(check.argv, env=environment, stdin=subprocess.DEVNULL).returncode


def main(argv: Sequence[str] | None = None) -> int:
    """Run every check even after one has failed; exit 1 if any did."""
    parser = argparse.ArgumentParser(prog="./run test", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="only what needs no host, without the slowest")
    arguments = parser.parse_args(argv)
    os.chdir(ROOT)
    REPORTS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    tally = Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for check, returncode, said in pool.map(run, static_checks()):
            show(check, returncode, said)
            tally.add(check, returncode)
    hostless = "not host and not slow" if arguments.fast else "not host"
    hosts = [] if arguments.fast else host_checks()
    for check in [pytest("no host", "-m", hostless, "-n", "auto", "--dist", "loadfile"), *hosts]:
        tally.add(check, watch(check))
    print(tally.line(time.monotonic() - began), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
