"""The way from an encoder to a server: RTMP by libav, or MPEG-TS over an SRT connection of our own."""

from __future__ import annotations

import errno
import signal
from contextlib import suppress
from dataclasses import dataclass

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from testbed.srt_output import SrtOutput
from testbed.srt_socket import SrtError, SrtUnreachable

REFUSED, UNREACHABLE, LOST = 3, 4, 5
"""Why a connection ended, as exit codes: server said no, nobody listens, lost on air."""

NOBODY_THERE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)

CLOSE_SECONDS = 3
"""How long to say goodbye to a server that may be gone."""

BROKEN = (av.FFmpegError, SrtError)
"""What a muxer raises once its connection is lost."""

# The exception of libav carries the URL, and the URL carries the key: what is said about a failure is said here.
WORDS = {
    REFUSED: "the server refused to publish. Check the stream's name and its key",
    UNREACHABLE: "nobody answers at the server's address. Is the host up?",
    LOST: "the server closed the connection",
}


class Failure(Exception):  # noqa: N818 (how an attempt ended)
    """The connection did not come about, or is lost."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason or WORDS[code]


@dataclass(frozen=True, slots=True)
class Connection:
    """A muxer, and the SRT connection that it writes to unless it speaks RTMP itself."""

    muxer: OutputContainer
    srt: SrtOutput | None = None

    def close(self) -> None:
        """Say goodbye (FCUnpublish and deleteStream, or SRT's shutdown), or find that the server is gone."""
        signal.alarm(CLOSE_SECONDS)
        with suppress(*BROKEN):
            self.muxer.close()
        if self.srt:
            self.srt.close()
        signal.alarm(0)


def connect(url: str, tracks: list[VideoStream | AudioStream]) -> Connection:
    """A connection that the server has accepted for publishing these tracks; raises Failure if it has not."""
    connection = connect_srt(url) if url.startswith("srt://") else Connection(rtmp_muxer(url))
    for track in tracks:
        connection.muxer.add_stream_from_template(track)
    try:
        connection.muxer.start_encoding()
    except av.FFmpegError as error:
        raise Failure(UNREACHABLE if error.errno in NOBODY_THERE else REFUSED) from None
    except SrtError:
        raise Failure(LOST) from None
    return connection


def rtmp_muxer(url: str) -> OutputContainer:
    """A muxer that connects when it is told to begin."""
    # TCP_NODELAY as librtmp sets it, which OBS and its kin publish with.
    return av.open(url, "w", format="flv", options={"flvflags": "no_duration_filesize", "tcp_nodelay": "1"})


def connect_srt(url: str) -> Connection:
    """A muxer on an SRT connection that stands."""
    try:
        output = SrtOutput(url)
    except (SrtUnreachable, OSError):
        raise Failure(UNREACHABLE) from None
    except SrtError as error:
        raise Failure(REFUSED, f"the server refused to publish: {error}") from None
    # Each packet goes out when it is due: libav would else keep 32 kB back.
    return Connection(av.open(output, "w", format="mpegts", options={"flush_packets": "1"}), output)
