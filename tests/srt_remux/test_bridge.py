"""Does the bridge carry both ways, for its own child only?"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys

from srt_remux.bridge import Bridge, accept_from, listener


def bridged() -> tuple[socket.socket, socket.socket, Bridge]:
    """FFmpeg's end, the ingest's end, and the bridge between them."""
    with listener() as listening:
        child = socket.create_connection(listening.getsockname())
        accepted = accept_from(listening, os.getpid())
    assert accepted is not None
    ours, ingest = socket.socketpair()
    return child, ingest, Bridge(accepted, ours)


def carry_until_quiet(bridge: Bridge) -> None:
    """Carry for as long as a socket is ready."""
    while True:
        poll = select.poll()
        for side, events in bridge.interests():
            poll.register(side, events)
        if bridge.is_over or not poll.poll(50):
            return
        bridge.carry()


def test_both_ways() -> None:
    child, ingest, bridge = bridged()
    with child, ingest:
        child.sendall(b"publish")
        ingest.sendall(b"NetStream.Publish.")
        carry_until_quiet(bridge)
        assert (ingest.recv(99), child.recv(99), bridge.is_published) == (b"publish", b"NetStream.Publish.", False)
        ingest.sendall(b"Start")
        carry_until_quiet(bridge)
        assert bridge.is_published
        bridge.close()


def test_the_last_bytes_arrive_after_the_child_has_ended() -> None:
    child, ingest, bridge = bridged()
    with ingest:
        child.sendall(b"x" * 100_000)
        child.close()
        received = b""
        while not bridge.is_over:
            carry_until_quiet(bridge)
            received += ingest.recv(1 << 20)
        assert (len(received), bridge.ingest_ended) == (100_000, False)
        bridge.close()


def test_an_ingest_that_does_not_read_holds_the_child_back() -> None:
    child, ingest, bridge = bridged()
    with child, ingest:
        child.setblocking(False)
        sent = 0
        for _ in range(200):
            try:
                sent += child.send(b"x" * 65536)
            except BlockingIOError:
                carry_until_quiet(bridge)
        carry_until_quiet(bridge)
        assert sent < 13_000_000
        assert len(bridge._to_ingest) <= 1 << 16
        bridge.close()


def test_an_ingest_that_hangs_up() -> None:
    child, ingest, bridge = bridged()
    with child:
        ingest.close()
        carry_until_quiet(bridge)
        assert bridge.ingest_ended
        bridge.close()


def test_a_stranger_on_loopback_is_hung_up_on() -> None:
    with (
        listener() as listening,
        socket.create_connection(listening.getsockname(), timeout=5) as stranger,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child,
    ):
        assert accept_from(listening, child.pid) is None
        assert stranger.recv(1) == b""
        child.communicate(b"\n")
