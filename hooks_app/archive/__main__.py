"""`headend-archive`: the archiver as a service, and what is typed on the host."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Annotated
from uuid import uuid4

import structlog
import typer
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts, RecordingFacts
from headend.model.recordings import MIB, Recordings
from headend.model.store import place_of
from hooks_app.archive.archiver import Keeper, Looker, Meter, Renewer
from hooks_app.archive.catalogue import Catalogue
from hooks_app.archive.collector import Collector
from hooks_app.archive.event_manifests import EventManifests
from hooks_app.archive.finish_units import Systemctl
from hooks_app.archive.finishing import Finishing
from hooks_app.archive.folders import Folder, NotOursError
from hooks_app.archive.ladder import Ladder
from hooks_app.archive.listing import listed
from hooks_app.archive.places import place_in
from hooks_app.archive.prune import Policy
from hooks_app.archive.prune_report import as_document, show
from hooks_app.archive.pruner import Pruner
from hooks_app.archive.pulse import Pulse
from hooks_app.archive.replaying import Replaying
from hooks_app.archive.restoring import Restoring
from hooks_app.archive.store import Store, StoreError
from hooks_app.archive.sweep import to_sweep
from hooks_app.archive.uploader import Uploader
from hooks_app.backup import in_use, sqlite_path
from hooks_app.clock import SystemClock
from hooks_app.database import Database, reason_of
from hooks_app.facts_file import FactsError, load_facts
from hooks_app.here import Here
from hooks_app.key_desk import Json, fail
from hooks_app.logs import configure
from hooks_app.loop import Loop
from hooks_app.notify import notify

FACTS = Path("/etc/headend/archiver.json")
SECRET = "archive"  # noqa: S105  (the credential's name)
WATCH_SECONDS = 1.0
LATE_SECONDS = 45.0
"""A look that has not ended for so long is stuck."""

Facts = Annotated[Path, typer.Option("--facts", help="Rendered facts.")]
log = structlog.get_logger(__name__)
app = typer.Typer(
    help="Recordings on this host: joined, moved to the object store, verified there, pruned.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    facts_file: Facts = FACTS,
    boot_id: Annotated[str, typer.Option(help="Of this boot of the host; the unit gives systemd's.")] = "",
) -> None:
    """Run as a service, until SIGTERM."""
    facts, recordings = facts_of(facts_file)
    configure()
    ladders = facts_file.parent / "ladders"
    path = sqlite_path(facts.database_url)
    # Nobody restores a backup under it.
    with in_use(path) if path is not None else nullcontext():
        serve(facts, recordings, boot_id or str(uuid4()), ladders)


@app.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and why.")] = False,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Remove what may go: from this host, and from the store where the spec or somebody says so."""
    facts, recordings = facts_of(facts_file)
    configure()
    catalogue = catalogue_of(facts, str(uuid4()))
    # Who only asks needs no key.
    store = None if dry_run else store_of(recordings)
    try:
        with Folder.at(f"{recordings.root}/kept") as kept:
            pruned = pruner_of(catalogue, kept, recordings, store, dry_run=dry_run).run(dry_run=dry_run)
        if not dry_run:
            catalogue.note_pruned()
        swept = to_sweep(facts.media_root, recordings.sweep_seconds, SystemClock().now())
    except SQLAlchemyError as error:
        fail(f"{facts.database_url}: {getattr(error, 'orig', error)}. Check the database.")
    except (OSError, NotOursError) as error:
        fail(f"{recordings.root}: {error}. Check the folder, its owner and the disk.")
    if as_json:
        typer.echo(
            json.dumps(
                as_document(pruned, dry_run=dry_run) | {"to_sweep": {"files": swept.files, "bytes": swept.bytes}}
            )
        )
    else:
        show(pruned, dry_run=dry_run)
        typer.echo(
            f"{swept.files} live segments outside every playlist, {swept.bytes} bytes, wait for systemd-tmpfiles"
        )
    if pruned.faults:
        raise typer.Exit(1)


@app.command("list")
def list_recordings(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 20,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show this host's recordings, the newest first; `headend-ctl recordings` shows those of every host."""
    facts, recordings = facts_of(facts_file)
    try:
        host, archive = Here.own(SystemClock(), "").host, recordings.settings.archive
        found = listed(Database(facts.database_url), host, limit, archive)
    except SQLAlchemyError as error:
        fail(f"{facts.database_url}: {getattr(error, 'orig', error)}. Check the database.")
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found:
        typer.echo(
            f"{one['id']:>6}  {one['state']:9}  {one['started_at']}  {one['slug']}  {one['fault'] or ''}".rstrip()
        )


def serve(facts: HookFacts, recordings: RecordingFacts, boot_id: str, ladders: Path) -> None:
    """Every loop, and systemd's watchdog while all get on."""
    stopping = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    clock, meter, at_work, at_replays = SystemClock(), Meter(), Pulse(), Pulse()
    catalogue, store = catalogue_of(facts, boot_id), store_of(recordings, at_work.beat)
    try:
        buffer, kept = Folder.at(f"{recordings.root}/buffer"), Folder.at(f"{recordings.root}/kept")
    except (OSError, NotOursError) as error:
        sys.exit(f"{recordings.root}: {error}. A deploy makes the folders.")
    settings, archive = recordings.settings, recordings.settings.archive
    reserve_bytes = settings.reserve_mib * MIB
    loops: list[Loop] = []
    uploader: Uploader | None = None
    replaying: Replaying | None = None

    def wake_store() -> None:
        for loop in loops:
            loop.nudge()

    def store_fault() -> str | None:
        faults = (one.fault for one in (uploader, replaying) if one is not None)
        return next((fault for fault in faults if fault), None)

    if store is not None and archive is not None:
        uploader = Uploader(catalogue, store, kept, archive, clock, sent=meter.sent)
        replaying = Replaying(catalogue, store, archive, settings.replay, facts, clock, at_replays.beat)
        keeper = Keeper(
            catalogue=catalogue,
            store=store,
            uploader=uploader,
            restoring=Restoring(catalogue, store, kept, clock, place=place_of(archive), reserve_bytes=reserve_bytes),
            pruner=pruner_of(catalogue, kept, recordings, store),
            beat=at_work.beat,
            stop=stopping.is_set,
        )
        loops.append(Loop("store", keeper.turn, clock, retry_seconds=5.0))
        loops.append(Loop("replays", Renewer(replaying, at_replays.beat).turn, clock, retry_seconds=5.0))
    ladder = Ladder(
        catalogue,
        kept,
        media_root=facts.media_root,
        ladders_dir=ladders,
        reserve_bytes=reserve_bytes,
    )
    looker = Looker(
        facts=recordings,
        catalogue=catalogue,
        ladder=ladder if settings.vod else None,
        collector=Collector(
            catalogue,
            buffer,
            kept,
            clock,
            longest_hours=settings.longest_hours,
            keep_raw=archive is not None and archive.keep_raw,
        ),
        finishing=Finishing(catalogue, kept, Systemctl(), settings, clock),
        # What is to go from the store is the store's loop's: this one waits for nobody.
        pruner=pruner_of(catalogue, kept, recordings, None),
        meter=meter,
        store_fault=store_fault,
        wake_store=wake_store,
    )
    look = Loop("look", looker.turn, clock)
    wait_for_tables(catalogue, settings, stopping)
    for loop in (look, *loops):
        loop.start()
    ready = False
    while not stopping.wait(WATCH_SECONDS):
        if look.age_seconds() > LATE_SECONDS:
            # Before the first look, and while the database is away, nothing is stuck: the loop logs what it meets.
            continue
        if not ready:
            ready = True
            notify("READY=1")
            log.info("archiver started", archive=archive.bucket if archive else None)
        if not loops or (at_work.beats() and at_replays.beats()):
            notify("WATCHDOG=1")
    for loop in (look, *loops):
        loop.stop()


def wait_for_tables(catalogue: Catalogue, settings: Recordings, stopping: threading.Event) -> None:
    """The hook app makes them. What the one before us leased is nobody's, and some of its URLs count no more."""
    watched = place_in(settings) if settings.replay.mode != "off" else None
    while not stopping.is_set():
        try:
            catalogue.release_all()
            catalogue.forget_replays(watched)
        except SQLAlchemyError as error:
            log.warning("database", error=reason_of(error))
            stopping.wait(2.0)
        else:
            return


def facts_of(path: Path) -> tuple[HookFacts, RecordingFacts]:
    """The facts; ends the program with one line where there are none."""
    try:
        facts = load_facts(path)
    except FactsError as error:
        fail(str(error))
    if facts.recordings is None:
        fail(f"{path} recordings: nothing is recorded. Say recordings.record in the spec, and deploy.")
    return facts, facts.recordings


def catalogue_of(facts: HookFacts, boot_id: str) -> Catalogue:
    """This host's."""
    return Catalogue(Database(facts.database_url), Here.own(SystemClock(), boot_id))


def store_of(recordings: RecordingFacts, beat: Callable[[], None] = lambda: None) -> Store | None:
    """The store with the secret that systemd gives to the unit (LoadCredential); None where the spec names none."""
    archive = recordings.settings.archive
    if archive is None:
        return None
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        fail("No credential: run it as a unit does: systemctl start headend-prune.service")
    try:
        return Store(archive, (Path(folder) / SECRET).read_text("utf-8").strip(), beat)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"credential {archive.secret}: {error}. A deploy places it.")
    except StoreError as error:
        fail(str(error))


def pruner_of(
    catalogue: Catalogue, kept: Folder, recordings: RecordingFacts, store: Store | None, *, dry_run: bool = False
) -> Pruner:
    """As the spec says."""
    policy, archive = Policy.of(recordings.settings), recordings.settings.archive
    if store is None or archive is None:
        return Pruner(catalogue, kept, policy, SystemClock(), never if dry_run else None)
    retell = EventManifests(catalogue, store, archive).without
    return Pruner(catalogue, kept, policy, SystemClock(), store.remove, retell=retell)


def never(_keys: Sequence[str], _gone: Callable[[Sequence[str]], None]) -> None:
    """A dry run removes nothing."""
    raise AssertionError("A dry run has asked for a removal.")


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
