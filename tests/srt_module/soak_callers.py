"""What a crowd of callers does, good and bad. Each has a stream of its own, and knows what answer it has to get."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from testbed.srt_socket import (
    BAD_MODE,
    BAD_REQUEST,
    BAD_SECRET,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    UNSECURE,
    SrtError,
    SrtOptions,
    SrtRefused,
    SrtSocket,
)
from tests.support.srt_nginx import KEY, SrtServer, wait_for

# A message of TS null packets; so many a second are 0.5 Mbit/s.
MESSAGE = (b"\x47\x1f\xff\x10" + bytes(184)) * 7
MESSAGES_PER_SECOND = 500_000 / (8 * len(MESSAGE))

# Of signed stream ids: the server remembers 4096 nonces until they have expired, and a soak uses one a half second.
_LIFETIME = 60

# The module's log is written by nginx's thread, at its next turn.
_LOGGED_SECONDS = 0.2

# Callers of one site come from one address: six, within the limit of eight.
_SITE = 6


@dataclass
class Notes:
    """What was done how often, and every answer that was not the right one."""

    acts: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def blame(self, what: str) -> None:
        """Note a wrong answer; the first of a kind is told at once, a soak being long."""
        if not self.wrong[what]:
            print(what, file=sys.stderr, flush=True)
        self.wrong[what] += 1


class Caller:
    """Does one thing after the other until it is over."""

    def __init__(self, server: SrtServer, number: int, notes: Notes, over: threading.Event, seed: int) -> None:
        self.server, self.slug, self.notes, self.over = server, slug_of(number), notes, over
        self.source = (f"127.0.3.{1 + number // _SITE}", 0)
        self.chance = random.Random(seed * 1000 + number)

    def run(self) -> None:
        """Half of the time it publishes as it should."""
        while not self.over.wait(self.chance.uniform(0.3, 2)):
            act = self.chance.choice(GOOD if self.chance.random() < 0.5 else BAD)
            try:
                act(self)
            except Exception as error:
                # Whatever it was belongs into the report; the crowd goes on.
                self.notes.blame(f"{act.__name__}: {type(error).__name__}: {error}")
            self.notes.acts[act.__name__] += 1

    def connect(self, options: SrtOptions) -> SrtSocket:
        """Call from this one's site."""
        return self.server.connect(replace(options, source=self.source))

    def refused(self, options: SrtOptions, code: int) -> None:
        """Try, and be told why not."""
        try:
            self.connect(options).close()
        except SrtRefused as refusal:
            if refusal.code != code:
                raise
        else:
            raise AssertionError(f"let in, and not refused {code}")

    def free(self) -> None:
        """Wait until the last caller of this stream is forgotten; a killed one is missed first."""
        wait_for(self._is_free, "the last caller is still on air", 20)

    def _is_free(self) -> bool:
        time.sleep(self.chance.uniform(0.02, 0.1))
        return all(session["slug"] != self.slug for session in self.server.sessions())

    def publish(self, options: SrtOptions) -> None:
        """Send for a while; the upstream may hang up first."""
        self.free()
        with self.connect(options) as connection, suppress(SrtError):
            self._send(connection)

    def _send(self, connection: SrtSocket) -> None:
        end = time.monotonic() + self.chance.uniform(0.2, 6)
        while time.monotonic() < end and not self.over.is_set():
            connection.send(MESSAGE)
            time.sleep(1 / MESSAGES_PER_SECOND)


def slug_of(number: int) -> str:
    """The stream of a caller."""
    return f"soak-{number}"


def encrypted(caller: Caller) -> None:
    length = caller.chance.choice((16, 24, 32))
    caller.publish(caller.server.encrypted(caller.slug, key_length=length))


def signed(caller: Caller) -> None:
    caller.publish(caller.server.signed(caller.slug, lifetime=_LIFETIME))


def hang_up_at_once(caller: Caller) -> None:
    caller.free()
    caller.connect(caller.server.encrypted(caller.slug)).close()


def killed(caller: Caller) -> None:
    """A process that gets SIGKILL while it sends: nobody says good-bye."""
    caller.free()
    text = f"#!::r={caller.slug},m=publish,u={KEY}"
    passphrase = caller.server.encrypted(caller.slug).passphrase
    url = f"srt://127.0.0.1:{caller.server.srt_port}?adapter={caller.source[0]}&passphrase={passphrase}&streamid={text}"
    argv = ["srt-live-transmit", "-q", "-loglevel:fatal", "-chunk:1316", "file://con", url.replace("#", "%23")]
    # stderr: it says so when the upstream hangs up on it, which may happen first.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        try:
            for _ in range(caller.chance.randint(20, 120)):
                process.stdin.write(MESSAGE)
                process.stdin.flush()
                time.sleep(1 / MESSAGES_PER_SECOND)
        except BrokenPipeError:
            caller.notes.acts["killed_but_gone_before"] += 1
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                process.stdin.close()


def second_caller(caller: Caller) -> None:
    caller.free()
    with caller.connect(caller.server.signed(caller.slug, lifetime=_LIFETIME)) as connection, suppress(SrtError):
        connection.send(MESSAGE)
        caller.refused(caller.server.encrypted(caller.slug), CONFLICT)


def used_nonce(caller: Caller) -> None:
    caller.free()
    time.sleep(_LOGGED_SECONDS)
    before = caller.server.log_size()
    options = caller.server.signed(caller.slug, lifetime=_LIFETIME)
    caller.publish(options)
    caller.free()
    time.sleep(_LOGGED_SECONDS)
    try:
        with caller.connect(options):
            # Until it is on air, which it says itself, and nginx has said what it had to say before.
            time.sleep(_LOGGED_SECONDS)
    except SrtRefused as refusal:
        if refusal.code != FORBIDDEN:
            raise
        assert not _failed_upstream(_told(caller, before)), "a nonce was not given back"
    else:
        told = _told(caller, before)
        on_air = [number for number, line in enumerate(told) if ": on air," in line]
        # It comes again where its upstream failed, and where it never was on air: when all is over it leaves at once.
        never = caller.over.is_set() and len(on_air) < 2
        assert never or _failed_upstream(told[: on_air[-1]]), f"let in, and not refused {FORBIDDEN}"
        caller.notes.acts["used_nonce_given_back"] += 1


def _told(caller: Caller, since: int) -> list[str]:
    """The log's lines about a caller's stream, from that many bytes on."""
    return [line for line in caller.server.errors(since).splitlines() if f"stream={caller.slug} " in line]


def _failed_upstream(lines: list[str]) -> bool:
    return any(": upstream " in line for line in lines)


def expired(caller: Caller) -> None:
    caller.free()
    caller.refused(caller.server.signed(caller.slug, lifetime=-3600), FORBIDDEN)


def wrong_signature(caller: Caller) -> None:
    caller.free()
    other = caller.server.signed_id(slug_of(99)).replace(slug_of(99), caller.slug)
    caller.refused(SrtOptions(stream_id=other), UNAUTHORIZED)


def wrong_passphrase(caller: Caller) -> None:
    caller.free()
    caller.refused(replace(caller.server.encrypted(caller.slug), passphrase="not the one at all"), BAD_SECRET)


def no_passphrase(caller: Caller) -> None:
    caller.free()
    caller.refused(replace(caller.server.encrypted(caller.slug), passphrase=""), UNSECURE)


def wrong_key_id(caller: Caller) -> None:
    caller.free()
    caller.refused(caller.server.encrypted(caller.slug, key="ffffffff"), FORBIDDEN)


def no_such_stream(caller: Caller) -> None:
    caller.refused(caller.server.encrypted(f"{caller.slug}-not"), NOT_FOUND)


def player(caller: Caller) -> None:
    caller.free()
    caller.refused(SrtOptions(stream_id=f"#!::r={caller.slug},m=request,u={KEY}"), BAD_MODE)


def nonsense(caller: Caller) -> None:
    length = caller.chance.randint(1, 500)
    caller.refused(SrtOptions(stream_id=bytes(caller.chance.randrange(1, 256) for _ in range(length))), BAD_REQUEST)


GOOD: tuple[Callable[[Caller], None], ...] = (encrypted, signed)
BAD: tuple[Callable[[Caller], None], ...] = (
    hang_up_at_once,
    killed,
    second_caller,
    used_nonce,
    expired,
    wrong_signature,
    wrong_passphrase,
    no_passphrase,
    wrong_key_id,
    no_such_stream,
    player,
    nonsense,
)
