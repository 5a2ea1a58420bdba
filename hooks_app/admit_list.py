"""The admit list: who may call over SRT, as nginx@srt reads it.

    headend-srt 1
    stream SLUG any|encrypted|signed free|taken
    key SLUG KEY_ID NOT_AFTER

NOT_AFTER is in Unix seconds, 0 for never. nginx@srt cuts a caller on air whose key leaves the list. A key that expired
stays on it and lets nobody in: who is on air with it is the enforcer's to cut, over SRT as over RTMP. So does a key
outside its events, whose caller on air is not to be cut. `taken` is a stream with a publisher that came another way or
to another host, one that was kicked, or is about to be.
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
from hooks_app.key_gate import KeyGate
from hooks_app.keys import KeyRing, KeyView
from hooks_app.ledger import Ledger
from hooks_app.publisher import IngestProtocol
from hooks_app.session_view import SessionView

HEADER: Final = "headend-srt 1\n"
# nginx@srt refuses a longer list whole; these many fit its 512 kB.
STREAMS: Final = 1024
KEYS: Final = 4096
CLOSED: Final = 1
"""The NOT_AFTER of a key that lets nobody in now: long past."""
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
    gate: KeyGate
    # The file's lock can only be polled for, and who polls is passed by whoever comes at the right moment: threads wait
    # here, in the kernel's queue, so that the file's lock has one caller from each process.
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls, facts: HookFacts, streams: Mapping[str, StreamFacts], keys: KeyRing, ledger: Ledger, gate: KeyGate
    ) -> AdmitList:
        """The site's own."""
        path = Path(facts.srt.admit_list) if facts.srt else None
        return cls(path=path, streams=streams, keys=keys, ledger=ledger, gate=gate)

    def write(self) -> bool:
        """Make the file say what the database says; False where it did already. Raises OSError, SQLAlchemyError."""
        if self.path is None:
            return False
        # The database is read under the lock as well: an older reading must never overwrite a newer one, or a key that
        # was just revoked would come back.
        with _lock(self._turn, self.path.parent):
            text = self._text().encode("ascii")
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

    def _text(self) -> str:
        sessions = self.ledger.open_sessions()
        taken = {slug for slug, session in sessions.items() if self._is_taken(session)}
        keys = self.keys.unrevoked()
        # Of many keys for events most are for those of one stream.
        gates = {(key.slug, key.gate, key.event_id): key for key in keys if key.slug in self.streams}
        closed = {gate for gate, key in gates.items() if not self.gate.is_open(key)}
        shut = {key.key_id for key in keys if (key.slug, key.gate, key.event_id) in closed}
        return render(self.streams, keys, sessions, taken=taken | self.ledger.kicked(), shut=shut)

    def _is_taken(self, session: SessionView) -> bool:
        if session.ending is not None:
            # As soon as its publisher is gone it is over, and for a while nobody is let in after a kick.
            return True
        # In its reconnect grace a session waits for a publisher, over whichever protocol. nginx@srt knows its own
        # callers, and those of no other host.
        return session.has_publisher and not (_is_srt(session) and self.ledger.is_own(session))


def render(
    streams: Mapping[str, StreamFacts],
    keys: Sequence[KeyView],
    sessions: Mapping[str, SessionView],
    *,
    taken: Set[str] = frozenset(),
    shut: Set[str] = frozenset(),
) -> str:
    """The file's text; `keys` are those that are not revoked, `sessions` those that are not over, by slug.

    `taken` are the streams that take no caller now, `shut` the ids of keys that let nobody in now.
    """
    admit = {slug: stream.srt_admit for slug, stream in streams.items()}
    lines = [f"stream {slug} {admit[slug]} {'taken' if slug in taken else 'free'}\n" for slug in list(admit)[:STREAMS]]
    # A stream that left the spec while its SRT caller is on air: its show goes on, and nobody else comes in.
    leaving = sorted(slug for slug, session in sessions.items() if slug not in admit and _is_srt(session))
    lines += [f"stream {slug} any taken\n" for slug in leaving[: STREAMS - len(lines)]]
    listed = {line.split()[1] for line in lines}
    on_air = {session.publisher.key_id for session in sessions.values()}
    ranked = sorted((key for key in keys if key.slug in listed), key=lambda key: _rank(key, on_air))
    listed_keys = [(key, CLOSED if key.key_id in shut else _not_after(key)) for key in ranked[:KEYS]]
    lines += sorted(f"key {key.slug} {key.key_id} {not_after}\n" for key, not_after in listed_keys)
    return HEADER + "".join(lines)


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
