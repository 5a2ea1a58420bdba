"""An encoder: publishes a film over RTMP or SRT in an endless loop, in real time, with timestamps that never jump.

`python -m testbed.publish FILE`, with the URL as the one line of standard input: a stream key in an argument list or in
the environment would be readable by every user of the machine. Each event is one JSON line on standard output; `at` is
CLOCK_MONOTONIC in seconds, which other processes of the machine can compare with their own.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import av
from av.container import InputContainer, OutputContainer

from testbed.connection import BROKEN, LOST, Failure, connect
from testbed.film import endless, moment, tracks
from testbed.srt_output import parse_url

ENDED, BAD_INPUT = 0, 2
"""Exit codes: stopped by a signal, film or URL unusable; testbed/connection.py has the others."""


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
    if not isinstance(url, str) or not url.startswith(("rtmp://", "srt://")):
        raise ValueError
    if url.startswith("srt://"):
        parse_url(url)
    return url


def send(source: InputContainer, target: OutputContainer) -> None:
    """Send at the pace of real time until a signal comes; raises one of BROKEN when the connection is lost."""
    outputs = {track.index: output for track, output in zip(tracks(source), target.streams, strict=True)}
    began = time.monotonic()
    for packet in endless(source):
        due = began + float(moment(packet))
        if (ahead := due - time.monotonic()) > 0:
            time.sleep(ahead)
        packet.stream = outputs[packet.stream_index]
        target.mux(packet)


def attempt(film: Path, url: str) -> None:
    """One connection from its start to its end; raises Failure."""
    with av.open(str(film)) as source:
        say("connecting")
        connection = connect(url, tracks(source))
        say("publishing")
        try:
            send(source, connection.muxer)
        except BROKEN:
            raise Failure(LOST) from None
        finally:
            connection.close()


def run(film: Path, url: str, reconnect: float | None) -> int:
    """Publish once, or call again and again as OBS does: it cannot tell a wrong key from a server that is too busy."""
    while True:
        try:
            attempt(film, url)
        except Failure as failure:
            say("failed", code=failure.code, reason=failure.reason)
            if reconnect is None:
                return failure.code
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
        urls = "rtmp://HOST:PORT/APPLICATION/STREAM?key=KEY or srt://HOST:PORT?streamid=ID"
        print(f"publish stdin: no URL. Write one line, {urls}", file=sys.stderr)
    except (av.FFmpegError, OSError, EOFError):
        print(f"publish {arguments.film}: not a film that libav can read", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
