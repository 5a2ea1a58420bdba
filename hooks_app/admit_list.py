"""The admit list: who may call over SRT, as nginx@srt reads it.

    headend-srt 1
    stream SLUG any|encrypted|signed free|taken
    key SLUG KEY_ID NOT_AFTER

NOT_AFTER is in Unix seconds, 0 for never. A caller on air whose key leaves the list is cut; an expired key stays on it,
so that its caller is not. `taken` is a stream with a publisher that came another way.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts, StreamFacts
from hooks_app.keys import KeyRing, KeyView
from hooks_app.ledger import Ledger
from hooks_app.publisher import IngestProtocol
from hooks_app.session_view import SessionView

HEADER: Final = "headend-srt 1\n"
# nginx@srt refuses a longer list whole; these many fit its 512 kB.
STREAMS: Final = 1024
KEYS: Final = 4096
LOCK_SECONDS = 1.0
"""How long to wait for the other writer, of the hook app and `headend-key`."""
_LOCK_POLL_SECONDS = 0.01

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitList:
    """Writes the list when it has changed. Without a path, the spec has no SRT and nothing is written."""

    path: Path | None
    streams: Mapping[str, StreamFacts]
    keys: KeyRing
    ledger: Ledger
    # The file's lock can only be polled for, and who polls is passed by whoever comes at the right moment: threads wait
    # here, in the kernel's queue, so that the file's lock has one caller from each process.
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, facts: HookFacts, streams: Mapping[str, StreamFacts], keys: KeyRing, ledger: Ledger) -> AdmitList:
        """The site's own."""
        path = Path(facts.srt.admit_list) if facts.srt else None
        return cls(path=path, streams=streams, keys=keys, ledger=ledger)

    def write(self) -> bool:
        """Make the file say what the database says; False where it did already. Raises OSError, SQLAlchemyError."""
        if self.path is None:
            return False
        # The database is read under the lock as well: an older reading must never overwrite a newer one, or a key that
        # was just revoked would come back.
        with _lock(self._turn, self.path.parent):
            text = render(self.streams, self.keys.unrevoked(), self.ledger.open_sessions()).encode("ascii")
            if _content(self.path) == text:
                return False
            _replace(self.path, text)
        if len(self.streams) > STREAMS:
            log.error("admit list is full", streams=len(self.streams), listed=STREAMS)
        return True

    def refresh(self) -> None:
        """Write, and where that fails only say so: the caller has more to do, and the next round tries again."""
        try:
            self.write()
        except (OSError, SQLAlchemyError) as error:
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            log.error("admit list not written", path=str(self.path), error=reason)


def render(streams: Mapping[str, StreamFacts], keys: Sequence[KeyView], sessions: Mapping[str, SessionView]) -> str:
    """The file's text; `keys` are those that are not revoked, `sessions` those that are not over, by slug."""
    admit = {slug: stream.srt_admit for slug, stream in streams.items()}
    lines = [f"stream {slug} {admit[slug]} {_presence(sessions.get(slug))}\n" for slug in list(admit)[:STREAMS]]
    # A stream that left the spec while its SRT caller is on air: its show goes on, and nobody else comes in.
    leaving = sorted(slug for slug, session in sessions.items() if slug not in admit and _is_srt(session))
    lines += [f"stream {slug} any taken\n" for slug in leaving[: STREAMS - len(lines)]]
    listed = {line.split()[1] for line in lines}
    on_air = {session.publisher.key_id for session in sessions.values()}
    ranked = sorted((key for key in keys if key.slug in listed), key=lambda key: _rank(key, on_air))
    lines += sorted(f"key {key.slug} {key.key_id} {_not_after(key)}\n" for key in ranked[:KEYS])
    return HEADER + "".join(lines)


def _presence(session: SessionView | None) -> str:
    # In its reconnect grace a session waits for a publisher, over whichever protocol.
    is_free = session is None or not session.has_publisher or _is_srt(session)
    return "free" if is_free else "taken"


def _is_srt(session: SessionView) -> bool:
    return session.publisher.protocol is IngestProtocol.SRT


def _rank(key: KeyView, on_air: Set[str | None]) -> tuple[bool, bool, int, str]:
    """What falls off a list that is too long: keys that expired long ago."""
    return key.key_id not in on_air, key.expires_at is not None, -_not_after(key), key.key_id


def _not_after(key: KeyView) -> int:
    return int(key.expires_at.timestamp()) if key.expires_at else 0


@contextmanager
def _lock(turn: threading.Lock, folder: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_SECONDS
    if not turn.acquire(timeout=LOCK_SECONDS):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _flock(descriptor, deadline)
            yield
        finally:
            # Closing lets go of the file's lock.
            os.close(descriptor)
    finally:
        turn.release()


def _flock(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, text: bytes) -> None:
    """Whole or not at all: nginx@srt looks at any moment. Only one writer holds the lock, so one name will do."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(text)
        # The units' umask lets nobody else read it.
        os.fchmod(descriptor, 0o644)
    new.replace(path)
