"""FFmpeg as a child process: started with the caller on its standard input, never left behind."""

from __future__ import annotations

import os
import select
import signal

GRACE_SECONDS = 2.0
"""FFmpeg gets so long to send what it holds after SIGTERM."""


class Child:
    """One running process."""

    def __init__(self, argv: list[str]) -> None:
        # Not subprocess: its import alone takes longer than all that happens here.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
        self.pid = os.posix_spawnp(argv[0], argv, environment, setsigdef=[signal.SIGTERM, signal.SIGPIPE])
        self.pidfd = os.pidfd_open(self.pid)
        self._status: int | None = None

    def status(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def wait(self, seconds: float) -> int | None:
        """Its status when it has ended, or None after so long."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        poll.poll(seconds * 1000)
        return self.status()

    def end(self, *, gently: bool) -> None:
        """Return when it is gone: by SIGTERM and, after a moment, SIGKILL; at once by SIGKILL if not gently."""
        if gently and self.status() is None:
            os.kill(self.pid, signal.SIGTERM)
            self.wait(GRACE_SECONDS)
        if self.status() is None:
            os.kill(self.pid, signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.pidfd)
