"""What every command of `headend-key` needs: the facts, the keys, the master secret, and one clear line on a fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from headend.model.credential import read_master
from headend.model.expiry import expiry
from headend.model.facts import HookFacts, StreamFacts
from hooks_app.admit_list import AdmitList
from hooks_app.audit import note, on_host
from hooks_app.clock import SystemClock
from hooks_app.database import Database, reason_of
from hooks_app.events import Events
from hooks_app.facts_file import FactsError, load_facts
from hooks_app.here import Here
from hooks_app.key_gate import KeyGate
from hooks_app.keys import KeyRing, KeyRingError, KeyView
from hooks_app.ledger import Ledger
from hooks_app.streams import StreamRegistry
from hooks_app.tables import StreamRow

Facts = Annotated[Path, typer.Option("--facts", help="Rendered facts of the hook app.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="Public name of the stream.")]
MasterFd = Annotated[
    int | None, typer.Option("--master-fd", min=3, help="Open descriptor of the master secret; the wrapper gives it.")
]

MASTER_READ_BYTES = 4096
"""More than a master secret may have, so that one that is too long is seen to be."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A command's collaborators."""

    facts: HookFacts
    database: Database
    keys: KeyRing
    ledger: Ledger
    streams: StreamRegistry
    clock: SystemClock
    gate: KeyGate
    _master: bytes | None

    @property
    def master(self) -> bytes:
        """The master secret; without one the command ends."""
        if self._master is None:
            fail("There is no master secret on this host. A deploy makes it.")
        return self._master

    def stream(self, slug: str) -> StreamFacts:
        """A stream of this origin; on any other the command ends."""
        if slug not in self.streams:
            fail(f"{slug!r}: no such stream on this origin. Streams: {', '.join(self.streams)}.")
        return self.streams[slug]

    def expiry(self, text: str) -> datetime:
        """The moment that --expires names; on anything else the command ends."""
        try:
            return expiry(text, self.clock.now())
        except ValueError as error:
            fail(f"expires: {error}.")

    def tell_srt(self) -> None:
        """After a change of keys: nginx@srt must know it now, not at the hook app's next round."""
        try:
            AdmitList.of(self.facts, self.streams, self.keys, self.ledger, self.gate).write()
        except (OSError, SQLAlchemyError) as error:
            # What was asked for is done: a new key must still be shown, for it is shown this once.
            where = self.facts.srt.admit_list if self.facts.srt else ""
            fault = error.strerror if isinstance(error, OSError) else reason_of(error)
            say_aside(f"{where}: {fault}. SRT learns it within seconds, if headend-hooks.service is running.")

    def note(self, db: Session, action: str, key: KeyView, **detail: Any) -> None:
        """Into the audit, in the transaction of the change."""
        row, now = db.get(StreamRow, key.slug), self.clock.now()
        owner = row.owner if row is not None else None
        note(db, actor=on_host(), action=action, target=key.key_id, owner=owner, now=now, **detail)


@contextmanager
def open_desk(facts_file: Path, master_fd: int | None = None) -> Iterator[Desk]:
    """Everything for one command. A fault becomes one line on stderr and exit status 1."""
    try:
        facts = load_facts(facts_file)
        database, clock = Database(facts.database_url), SystemClock()
        master = _master(master_fd)
        try:
            streams = StreamRegistry(facts, database)
            streams.reload()
            here, lead = Here.own(clock, ""), facts.publish_lead_seconds
            gate = KeyGate(events=Events(database, here), clock=clock, lead_seconds=lead)
            keys, ledger = KeyRing(database, clock, master), Ledger(database, here, lead)
            yield Desk(facts, database, keys, ledger, streams, clock, gate, master)
        finally:
            database.close()
    except (FactsError, KeyRingError) as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fault = getattr(error, "orig", error)
        fail(f"{facts.database_url}: {fault}. Is headend-hooks.service running, and are you its user?")


def fail(line: str) -> NoReturn:
    """End the command with one line for people."""
    say_aside(line)
    raise typer.Exit(1)


def say_aside(line: str) -> None:
    """One line on stderr."""
    typer.echo(line, err=True)


def when(moment: datetime | None) -> str | None:
    """A time in JSON."""
    return moment.isoformat() if moment else None


def _master(descriptor: int | None) -> bytes | None:
    """Root opens the file and then drops its rights; the secret is in no argument and in no environment."""
    if descriptor is None:
        return None
    try:
        with open(descriptor, "rb") as file:
            return read_master(file.read(MASTER_READ_BYTES))
    except (OSError, ValueError) as error:
        fail(f"master secret: {getattr(error, 'strerror', None) or error}.")
