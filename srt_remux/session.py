"""A running FFmpeg, its way to the ingest, and why it ended."""

from __future__ import annotations

import select
import signal
import socket
import time

from srt_remux.bridge import Bridge, accept_from
from srt_remux.child import Child
from srt_remux.faults import FaultError

START_SECONDS = 15.0
"""FFmpeg must be publishing so long after its start."""

FLUSH_SECONDS = 2.0
"""The ingest gets so long to take what is left when FFmpeg has ended, and FFmpeg to end when it has hung up."""

CONNECT_SECONDS = 3.0


class CutError(Exception):
    """Something here ended, not the caller. It is hung up on, so that its encoder notices and comes back."""


class StoppedError(Exception):
    """Somebody stopped the unit."""


class Session:
    """One publish."""

    def __init__(self, child: Child, listening: socket.socket, publish_socket: str) -> None:
        self._child = child
        self._listening = listening
        self._publish_socket = publish_socket
        self._bridge: Bridge | None = None
        self._deadline = time.monotonic() + START_SECONDS
        self._is_stopped = False

    def run(self) -> None:
        """Until FFmpeg has ended and the ingest has all that it sent. Raises FaultError, CutError or StoppedError."""
        wake, alarm = socket.socketpair()
        with wake, alarm:
            alarm.setblocking(False)
            signal.set_wakeup_fd(alarm.fileno())
            signal.signal(signal.SIGTERM, self._stop)
            try:
                while not self._is_over():
                    self._wait(wake)
                    self._step()
                self._judge()
            finally:
                signal.set_wakeup_fd(-1)
                self._child.end(gently=self._is_stopped)
                if self._bridge:
                    self._bridge.close()

    def _stop(self, *_: object) -> None:
        self._is_stopped = True

    def _is_over(self) -> bool:
        if self._bridge is None:
            return self._child.status() is not None
        return self._bridge.is_over

    def _wait(self, wake: socket.socket) -> None:
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        if self._bridge is None:
            poll.register(self._listening, select.POLLIN)
            poll.register(self._child.pidfd, select.POLLIN)
        else:
            for side, events in self._bridge.interests():
                poll.register(side, events)
        is_bounded = self._bridge is None or not self._bridge.is_published or self._bridge.child_ended
        poll.poll(max(0.0, self._deadline - time.monotonic()) * 1000 if is_bounded else None)

    def _step(self) -> None:
        if self._is_stopped:
            raise StoppedError
        if self._bridge is None:
            self._connect()
        else:
            had_ended = self._bridge.child_ended
            self._bridge.carry()
            if self._bridge.child_ended and not had_ended:
                self._deadline = time.monotonic() + FLUSH_SECONDS
        if time.monotonic() > self._deadline:
            self._late()

    def _connect(self) -> None:
        waiting = select.poll()
        waiting.register(self._listening, select.POLLIN)
        connection = accept_from(self._listening, self._child.pid) if waiting.poll(0) else None
        if connection is None:
            return
        ingest = socket.socket(socket.AF_UNIX)
        ingest.settimeout(CONNECT_SECONDS)
        try:
            ingest.connect(self._publish_socket)
        except OSError as error:
            raise CutError(f"the ingest does not answer on {self._publish_socket}: {error.strerror or error}") from None
        self._bridge = Bridge(connection, ingest)

    def _late(self) -> None:
        if self._bridge is None:
            raise FaultError("no-video", "unreadable", f"FFmpeg found nothing to send in {START_SECONDS:.0f} s")
        if not self._bridge.is_published:
            raise CutError(f"the ingest did not answer the publish in {START_SECONDS:.0f} s")
        if self._bridge.child_ended:
            raise CutError(f"the ingest did not take the last of the stream in {FLUSH_SECONDS:.0f} s")

    def _judge(self) -> None:
        if self._bridge is None:
            raise FaultError("no-video", "unreadable", "FFmpeg cannot read the stream; its own lines say why")
        if not self._bridge.is_published:
            raise FaultError("publish-refused", "", "the ingest refused the publish: the hook app's journal says why")
        status = None if self._bridge.ingest_ended else self._child.wait(FLUSH_SECONDS)
        if self._bridge.ingest_ended:
            raise CutError("the ingest hung up")
        if status != 0:
            raise CutError(f"FFmpeg ended with status {status}")
