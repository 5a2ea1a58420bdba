"""Where a word can turn up on a host, and on the machine of whoever deploys to it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed.host import Host

# The words are lines of standard input: an argument list would hold them.
FILES = "grep --recursive --binary-files=text --files-with-matches --fixed-strings --file=- --devices=skip"
COUNT = "grep --text --count --fixed-strings --file=/dev/fd/3"
UNITS = "'nginx@*' 'ffmpeg@*' 'srt-remux*' headend-hooks headend-announce 'headend-archive*'"


def page(url: str) -> str:
    """How to count the words in an answer; a page that does not answer holds nothing, and proves nothing."""
    return f'page=$(curl -sSf http://127.0.0.1:{url}) || echo no answer; printf %s "$page" | {COUNT}'


LOOK = {
    "journal": f"journalctl --all --output=export --no-pager | {COUNT}",
    "unit properties": f"systemctl show '*' --all --no-pager | {COUNT}",
    "unit files": f"systemctl cat {UNITS} | {COUNT}",
    "argument lists": f"cat /proc/[0-9]*/cmdline 2>/dev/null | {COUNT}",
    "environments": f"cat /proc/[0-9]*/environ 2>/dev/null | {COUNT}",
    "RTMP's stat page": page("8081/stat"),
    "SRT's stat page": page("8082/srt_stat"),
    "SRT's metrics": page("8082/metrics"),
    "the app's metrics": page("8090/metrics"),
    "viewers": page("8080/api/v1/streams/demo"),
    "planners": page("8080/api/v1/events"),
}
"""Everywhere but in files; each prints how many lines hold a word."""


def found(host: Host, words: Sequence[str], places: Sequence[str] = tuple(LOOK)) -> dict[str, str]:
    """What each place printed."""
    return {place: _ask(host, LOOK[place], words).strip() for place in places}


def files_with(host: Host, words: Sequence[str]) -> set[str]:
    """Files of the host that hold one of the words, wherever they lie, credentials of units included."""
    script = f"{FILES} --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev / 2>/dev/null </dev/fd/3"
    return set(_ask(host, script, words).splitlines())


def local_files_with(folder: Path, words: Sequence[str]) -> set[str]:
    """The same for a folder of this machine."""
    argv = [*FILES.split(), str(folder)]
    return set(subprocess.run(argv, input=_lines(words), capture_output=True, text=True).stdout.splitlines())


def database_dump(host: Host) -> str:
    """The hook app's database as SQL."""
    script = "import sqlite3; print(*sqlite3.connect('/var/lib/headend/hooks/state.sqlite3').iterdump(), sep='\\n')"
    return host.run(["/opt/headend/app/current/bin/python", "-c", script]).stdout


def _ask(host: Host, script: str, words: Sequence[str]) -> str:
    done = host.run(["sh", "-c", f"exec 3<<E\n$(cat)\nE\n{script}"], stdin=_lines(words), check=False)
    return done.stdout


def _lines(words: Sequence[str]) -> str:
    return "".join(f"{word}\n" for word in words)
