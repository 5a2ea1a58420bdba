"""An ingest nginx of our own build that records into a folder, and those who publish to it and watch it with FFmpeg."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.support.ingest_nginx import Ingest, running_ingest
from tests.support.nginx_build import built_nginx
from tests.support.srt_nginx import wait_for

NAME = re.compile(r"(?P<stream>.+)-(?P<second>\d+)-(?P<connection>\d+)-(?P<part>\d+)\.flv")

FLV_HEADER_BYTES = 13
TAG_HEADER_BYTES = 11
AUDIO_TAG, VIDEO_TAG = 8, 9

# As headend renders it (templates/nginx/ingest.conf.j2). Players learn of the end.
DIRECTIVES = """
    publish_notify on;
    record all;
    record_path {buffer};
    record_unique on;
    record_suffix .flv;
    record_lock on;
"""


@dataclass(frozen=True)
class Recording:
    """A running ingest and the folder that it records into."""

    ingest: Ingest
    buffer: Path

    def parts(self, stream: str = "*") -> list[Path]:
        """The files of a stream, in the order in which they were begun."""
        return sorted(self.buffer.glob(f"{stream}-*.flv"), key=order)

    def url(self, stream: str) -> str:
        """Where a stream is published and played."""
        return f"rtmp://127.0.0.1:{self.ingest.rtmp_port}/live/{stream}"

    @contextmanager
    def publishing(self, film: Path, stream: str = "demo", *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """FFmpeg that publishes a film; `options` are its own, before the input: how fast, how often."""
        argv = ["ffmpeg", "-nostdin", "-v", "error", *options, "-i", str(film), "-c", "copy", "-f", "flv"]
        with subprocess.Popen([*argv, self.url(stream)], stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.terminate()

    def publish(self, film: Path, stream: str = "demo", *options: str) -> None:
        """The whole film, from its first frame to its last."""
        with self.publishing(film, stream, *options) as process:
            assert process.wait(120) == 0
        self.wait_closed()

    @contextmanager
    def watching(self, stream: str, into: Path) -> Iterator[None]:
        """A player that keeps what it sees, waiting for the stream to begin; afterwards it has seen it to the end."""
        argv = ["ffmpeg", "-nostdin", "-v", "error", "-rtmp_live", "live", "-i", self.url(stream), "-c", "copy"]
        with subprocess.Popen([*argv, "-y", "-f", "flv", str(into)], stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(lambda: "<flashver>" in self.ingest.stat(), "the player is not here")
                yield
                process.wait(30)
            finally:
                process.kill()

    def wait_closed(self) -> None:
        """Until nothing is being written."""
        wait_for(lambda: not any(map(is_locked, self.parts())), "a recording is still locked")

    def descriptors(self) -> list[str]:
        """What the worker has open, by the kernel's names."""
        (worker,) = self.ingest.worker_pids()
        found = []
        for link in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.append(os.readlink(link))
        return sorted(found)


@contextmanager
def recording(buffer: Path, directives: str = "", *, prefix: Path | None = None) -> Iterator[Recording]:
    """Start an ingest that records all streams of the application live into a folder, and end it again.

    `directives` come to the usual ones, or in their place. A build with sanitizers, which must have nothing to say.
    """
    # nginx's worker is nobody when we are root.
    buffer.chmod(0o2777)
    usual = DIRECTIVES.format(buffer=buffer).split(";")
    own = {words[0] for line in directives.split(";") if (words := line.split())}
    lines = [line for line in usual if (words := line.split()) and words[0] not in own]
    with running_ingest(prefix or built_nginx(("--sanitize",)), ";".join([*lines, directives])) as ingest:
        yield Recording(ingest, buffer)
        reported = ingest.reports()
    assert reported == ""


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """A file system of this size, mounted on the folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "headend-test", str(folder)], check=True)
    try:
        yield folder
    finally:
        # Somebody may still be about to close a file.
        wait_for(lambda: subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0, "still mounted")


def order(part: Path) -> tuple[int, int, int]:
    """Second, connection, part."""
    named = name_of(part)
    return int(named["second"]), int(named["connection"]), int(named["part"])


def name_of(part: Path) -> dict[str, str]:
    """What the file's name says."""
    named = NAME.fullmatch(part.name)
    assert named, f"{part.name}: not the name of a part"
    return named.groupdict()


def is_locked(path: Path) -> bool:
    """Whether another process has a lock for writing on a file, asked as the archiver asks."""
    question = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, question)
    finally:
        os.close(descriptor)
    return int(struct.unpack("hhqqi4x", answer)[0]) != fcntl.F_UNLCK


def frames(path: Path, kind: str = "v") -> list[str]:
    """A hash of the content of each frame of a film, in the order of the file; `kind` is v or a."""
    argv = ["ffprobe", "-v", "error", "-select_streams", kind, "-show_entries", "packet=data_hash"]
    argv += ["-show_data_hash", "md5", "-of", "csv=p=0", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return [line.split(",")[0] for line in done.stdout.splitlines() if line]


def tags(path: Path, *, torn: bool = False) -> list[tuple[int, int]]:
    """Type and timestamp in ms of each tag of an FLV file.

    AssertionError if it does not end behind a whole one; with `torn` half a tag may be the last.
    """
    data = path.read_bytes()
    assert data[:3] == b"FLV", f"{path.name}: no FLV"
    found, at = [], FLV_HEADER_BYTES
    while at < len(data):
        header = data[at : at + TAG_HEADER_BYTES]
        end = at + TAG_HEADER_BYTES + int.from_bytes(header[1:4], "big")
        if len(header) < TAG_HEADER_BYTES or end + 4 > len(data):
            assert torn, f"{path.name}: half a tag at {at}"
            break
        assert int.from_bytes(data[end : end + 4], "big") == end - at, f"{path.name}: size of the tag at {at}"
        found.append((header[0], int.from_bytes(header[7:8] + header[4:7], "big")))
        at = end + 4
    return found


def decode(path: Path) -> str:
    """What FFmpeg has to complain about when it decodes a file from start to end."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stderr


def follows(seen: list[str], film: list[str]) -> bool:
    """Whether what was seen is a stretch of the film in a loop, without a gap."""
    after = {one: film[(index + 1) % len(film)] for index, one in enumerate(film)}
    return all(after.get(one) == next_one for one, next_one in pairwise(seen))


def wait(condition: Callable[[], object], seconds: float) -> float:
    """Seconds until it is so; RuntimeError after too many."""
    start = time.monotonic()
    wait_for(condition, "it never came to this", seconds)
    return time.monotonic() - start
