"""One caller from its first byte to its last: preamble, look, FFmpeg, bridge."""

from __future__ import annotations

import select
import socket
import time

from srt_remux import preamble
from srt_remux.argv import argv, is_copied
from srt_remux.bridge import listener
from srt_remux.child import Child
from srt_remux.lookout import CallerLeftError, Finding, Lookout
from srt_remux.options import Options
from srt_remux.preamble import Preamble
from srt_remux.report import say
from srt_remux.session import Session

PREAMBLE_SECONDS = 5.0


def admitted(caller: socket.socket) -> Preamble:
    """Read the preamble and nothing after it. Raises ValueError, or CallerLeftError."""
    deadline = time.monotonic() + PREAMBLE_SECONDS
    readable = select.poll()
    readable.register(caller, select.POLLIN | select.POLLRDHUP)
    length = -1
    while (left := deadline - time.monotonic()) > 0 and readable.poll(left * 1000):
        line = caller.recv(preamble.MAX_BYTES, socket.MSG_PEEK)
        if b"\n" in line or len(line) >= preamble.MAX_BYTES:
            end = line.find(b"\n") + 1
            return preamble.parse(caller.recv(end) if end else line)
        if len(line) == length and readable.poll(0)[0][1] & select.POLLRDHUP:
            break
        length = len(line)
        # What is there makes poll return at once.
        time.sleep(0.002)
    raise CallerLeftError("no first line from nginx@srt")


def carry(caller: socket.socket, who: Preamble, options: Options) -> None:
    """Put the caller on air; return when it has left. Raises FaultError, CallerLeftError, CutError, StoppedError."""
    finding = Lookout(caller).look()
    _say_what_goes_on_air(who, finding)
    with listener() as listening:
        url = who.publish_url(listening.getsockname()[1], options.application)
        Session(Child(argv(finding, url)), listening, options.publish_socket).run()


def _say_what_goes_on_air(who: Preamble, finding: Finding) -> None:
    for remark in finding.remarks:
        say(who.slug, remark)
    if finding.sound and not is_copied(finding):
        say(who.slug, f"sound is {finding.sound.codec}, which RTMP does not carry: encoded to AAC")
