"""FFmpeg and ffprobe as child processes: without a keyboard, a network or a shell, and never left behind."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

from finisher.fault import FaultError

QUIET = ("-hide_banner", "-loglevel", "error")

_LINE_BYTES = 2000
_REASON_CHARACTERS = 160

_SAYS_NOTHING = "Error initializing output stream"
"""How FFmpeg ends after the line that says why."""


class _LastLine(threading.Thread):
    """Reads what a program complains of, so that it never waits for us, and keeps the end of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._end = b""
        self.start()

    def run(self) -> None:
        while block := os.read(self._stream.fileno(), 65536):
            self._end = (self._end + block)[-_LINE_BYTES:]

    def text(self) -> str:
        """The last line, printable."""
        self.join()
        said = self._end.decode(errors="replace").splitlines()
        lines = [line for line in said if line.strip() and not line.startswith(_SAYS_NOTHING)] or [""]
        return "".join(letter for letter in lines[-1] if letter.isprintable())[:_REASON_CHARACTERS]


def run(argv: list[str], what: str, feed: Iterable[bytes] = ()) -> str:
    """Run a program, `feed` on its standard input, and return its standard output; it is gone when this returns.

    Raises FaultError: `what` failed.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        try:
            if child.stdin is None or child.stdout is None or child.stderr is None:
                raise TypeError("three pipes were asked for")
            said = _LastLine(child.stderr)
            # One that has ended takes no more: its status says why.
            with suppress(BrokenPipeError):
                for block in feed:
                    child.stdin.write(block)
            with suppress(BrokenPipeError):
                child.stdin.close()
            output: bytes = child.stdout.read()
            status = child.wait()
        except BaseException:
            child.kill()
            raise
    if status != 0:
        raise FaultError(f"{what} failed: {said.text() or f'status {status}'}")
    return output.decode(errors="replace")
