"""An encoder: publishes a film over RTMP in an endless loop, at the pace of real time, with timestamps that never jump.

`python -m testbed.publish FILE`, with the URL as the one line of standard input: a stream key in an argument list or in
the environment would be readable by every user of the machine. Each event is one JSON line on standard output; `at` is
CLOCK_MONOTONIC in seconds, which other processes of the machine can compare with their own.
"""

from __future__ import annotations

import argparse
import errno
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

ENDED, BAD_INPUT, REFUSED, UNREACHABLE, LOST = 0, 2, 3, 4, 5
"""Exit codes: stopped by a signal, film or URL unusable, server said no, nobody listens, connection lost on air."""

NOBODY_THERE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)

CLOSE_SECONDS = 3
"""How long to say goodbye to a server that may be gone."""

# The exception of libav carries the URL, and the URL carries the key: what is said about a failure is said here.
WORDS = {
    REFUSED: "the server refused to publish. Check the stream's name and its key",
    UNREACHABLE: "nobody answers at the server's address. Is the host up?",
    LOST: "the server closed the connection",
}


class Stop(Exception):  # noqa: N818 (a request, not an error)
    """SIGTERM or SIGINT arrived."""


def stop(signum: int, frame: FrameType | None) -> None:
    """Leave the loop wherever it is; a second signal changes nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Stop


def say(event: str, **more: object) -> None:
    """One event for whoever started us."""
    print(json.dumps({"event": event, "at": time.monotonic(), **more}), flush=True)


def read_url(line: str) -> str:
    """The URL of a line that is the URL itself or JSON with one; raises ValueError."""
    text = line.strip()
    url = json.loads(text)["url"] if text.startswith("{") else text
    if not isinstance(url, str) or not url.startswith("rtmp://"):
        raise ValueError
    return url


def tracks(source: InputContainer) -> list[VideoStream | AudioStream]:
    """What is published of a film: its first video and its first audio stream."""
    return [*source.streams.video[:1], *source.streams.audio[:1]]


def moment(packet: Packet[Any]) -> Fraction:
    """When a packet is due, in seconds of the film; only for packets that have a time."""
    return (packet.dts or 0) * packet.time_base


def endless(source: InputContainer) -> Iterator[Packet[Any]]:
    """The film's packets, again and again, as if it were one film without end."""
    offset = Fraction(0)
    while True:
        start: Fraction | None = None
        end = offset
        for packet in source.demux(tracks(source)):
            if packet.dts is None or packet.pts is None:
                continue
            base = packet.time_base
            start = moment(packet) if start is None else start
            shift = round((offset - start) / base)
            packet.dts, packet.pts = packet.dts + shift, packet.pts + shift
            end = max(end, moment(packet) + (packet.duration or 0) * base)
            yield packet
        if end == offset:
            raise EOFError
        offset = end
        source.seek(0)


def connect(source: InputContainer, url: str) -> OutputContainer:
    """A connection that the server has accepted for publishing; raises av.FFmpegError if it has not."""
    # TCP_NODELAY as librtmp sets it, which OBS and its kin publish with.
    target = av.open(url, "w", format="flv", options={"flvflags": "no_duration_filesize", "tcp_nodelay": "1"})
    for stream in tracks(source):
        target.add_stream_from_template(stream)
    say("connecting")
    target.start_encoding()
    say("publishing")
    return target


def send(source: InputContainer, target: OutputContainer) -> None:
    """Send at the pace of real time until a signal comes; raises av.FFmpegError when the connection is lost."""
    outputs = {track.index: output for track, output in zip(tracks(source), target.streams, strict=True)}
    began = time.monotonic()
    for packet in endless(source):
        due = began + float(moment(packet))
        if (ahead := due - time.monotonic()) > 0:
            time.sleep(ahead)
        packet.stream = outputs[packet.stream_index]
        target.mux(packet)


def attempt(film: Path, url: str) -> int:
    """One connection from its start to its end, as an exit code."""
    with av.open(str(film)) as source:
        try:
            target = connect(source, url)
        except av.FFmpegError as error:
            return UNREACHABLE if error.errno in NOBODY_THERE else REFUSED
        try:
            send(source, target)
        except av.FFmpegError:
            return LOST
        finally:
            # Says goodbye (FCUnpublish, deleteStream), or finds that the server is gone.
            signal.alarm(CLOSE_SECONDS)
            with suppress(av.FFmpegError):
                target.close()
            signal.alarm(0)
    return ENDED


def run(film: Path, url: str, reconnect: float | None) -> int:
    """Publish once, or call again and again as OBS does: it cannot tell a wrong key from a server that is too busy."""
    while True:
        code = attempt(film, url)
        if code == ENDED:
            return ENDED
        say("failed", code=code, reason=WORDS[code])
        if reconnect is None:
            return code
        time.sleep(reconnect)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the arguments and the URL, publish, and end with one of the codes above."""
    parser = argparse.ArgumentParser(prog="python -m testbed.publish", description="URL on standard input.")
    parser.add_argument("film", type=Path, metavar="FILE")
    parser.add_argument("--reconnect", type=float, metavar="SECONDS", help="call again after every failure")
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        return run(arguments.film, read_url(sys.stdin.readline()), arguments.reconnect)
    except Stop:
        say("ended")
        return ENDED
    except (ValueError, KeyError, TypeError):
        print("publish stdin: no URL. Write one line, rtmp://HOST:PORT/APPLICATION/STREAM?key=KEY", file=sys.stderr)
    except (av.FFmpegError, OSError, EOFError):
        print(f"publish {arguments.film}: not a film that libav can read", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
