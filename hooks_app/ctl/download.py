"""A file out of the store onto this disk: goes on where it was interrupted, and is whole and true or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from urllib.parse import urlsplit

import requests

PIECE_BYTES: Final = 1024 * 1024
CONNECT_SECONDS: Final = 15.0
SILENT_SECONDS: Final = 60.0


class Digest(Protocol):
    """What hashlib's objects can."""

    def update(self, data: bytes, /) -> None:
        """Take more in."""

    def hexdigest(self) -> str:
        """The hash of it, lower-case hex."""


class DownloadError(Exception):
    """One sentence for people. The URL is a secret for as long as it is good: only its host is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file."""

    url: str = field(repr=False)
    target: Path
    bytes: int
    sha256: str | None

    @property
    def partial(self) -> Path:
        """What there is of it so far."""
        return self.target.with_name(self.target.name + ".part")

    def check_target(self, force: bool) -> None:
        """Nothing is overwritten that somebody did not want to lose."""
        if self.target.is_dir():
            raise DownloadError(f"{self.target}: is a folder. Name a file in it.")
        if self.target.exists() and not force:
            raise DownloadError(f"{self.target}: is there already. Name another file, or say --force.")

    def run(self, progress: Callable[[int], None]) -> None:
        """Fetch, compare, and only then give it its name. `progress` is told bytes."""
        try:
            self._run(progress)
        except OSError as error:
            # requests' own are OSErrors, too, and name the URL.
            if isinstance(error, requests.RequestException):
                remedy = "The same command goes on from there."
                raise DownloadError(
                    f"{self._host}: {type(error).__name__} after {self._size()} bytes. {remedy}"
                ) from None
            raise DownloadError(f"{error.filename or self.partial}: {error.strerror or error}.") from None

    def _run(self, progress: Callable[[int], None]) -> None:
        descriptor = os.open(self.partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with open(descriptor, "r+b") as file:
            if os.fstat(descriptor).st_size > self.bytes:
                file.truncate(0)
            digest: Digest = hashlib.sha256()
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
                progress(len(piece))
            if file.tell() < self.bytes:
                digest = self._fetch(file.tell(), file, digest, progress)
            file.flush()
            os.fsync(descriptor)
            size = file.tell()
        if size != self.bytes:
            raise DownloadError(f"{self._host}: ended after {size} of {self.bytes} bytes. The same command goes on.")
        if self.sha256 is not None and digest.hexdigest() != self.sha256:
            self.partial.unlink()
            raise DownloadError(f"{self._host}: what came is not what was recorded (SHA-256). It was thrown away.")
        self.partial.replace(self.target)

    def _fetch(self, start: int, file: BinaryIO, digest: Digest, progress: Callable[[int], None]) -> Digest:
        """The rest of it; the hash of everything."""
        with self._ask(start) as answer:
            if answer.status_code == 200 and start:
                # The store does not give parts: from the beginning.
                progress(-start)
                file.seek(0)
                file.truncate()
                digest = hashlib.sha256()
            for piece in answer.iter_content(PIECE_BYTES):
                if file.tell() + len(piece) > self.bytes:
                    raise DownloadError(f"{self._host}: gives more than the {self.bytes} bytes that were recorded.")
                file.write(piece)
                digest.update(piece)
                progress(len(piece))
        return digest

    def _ask(self, start: int) -> requests.Response:
        session = requests.Session()
        session.trust_env = False
        headers = {"Range": f"bytes={start}-"} if start else {}
        answer = session.get(
            self.url,
            headers={"Accept-Encoding": "identity", **headers},
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, SILENT_SECONDS),
        )
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if answer.status_code == 200 or (answer.status_code == 206 and start and begins):
            return answer
        answer.close()
        remedy = "The URL may be over: the same command asks for a new one."
        raise DownloadError(f"{self._host}: HTTP {answer.status_code}. {remedy}")

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or "the store"

    def _size(self) -> int:
        try:
            return self.partial.stat().st_size
        except OSError:
            return 0
