"""`headend-ctl recordings`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from hooks_app.ctl.client import Client, fail
from hooks_app.ctl.download import Download, DownloadError
from hooks_app.ctl.options import Facts, Json, Limit, StreamOption
from hooks_app.ctl.table import show
from hooks_app.facts_file import FACTS

COLUMNS = ("id", "slug", "state", "started_at", "seconds", "bytes", "event_id", "held_at", "fault")
FILES = ("kind", "name", "bytes", "state", "verified_by", "here", "in_store", "sha256")
STATE = ("turned_at", "free_bytes", "total_bytes", "recording_stopped", "sent_bytes", "pruned_at", "store_fault")
ARCHIVERS = ("host", *STATE)
WATCH_SECONDS = 2.0

Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="Of the recording.")]

app = typer.Typer(help="What was recorded, where it is, and what becomes of it.", no_args_is_help=True)


@app.command("list")
def list_recordings(
    stream: StreamOption = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: archived, finished, …")] = None,
    event: Annotated[int | None, typer.Option(help="Only of this event.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show recordings, the newest first."""
    query = {"stream": stream, "state": state, "event": event}
    show(Client.of(facts_file).items("recordings", limit, **query), COLUMNS, as_json=as_json)


@app.command("show")
def show_recording(number: Number, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show a recording and where each of its files is."""
    said = Client.of(facts_file).get(f"recordings/{number}")
    if not as_json:
        show(said, COLUMNS, as_json=False)
        typer.echo()
    show(said if as_json else said["files"], FILES, as_json=as_json)


@app.command("fetch")
def fetch(
    number: Number,
    to: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; by default its own name, here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Download the file that plays. What an interrupted download has got stays; the same command goes on with it."""
    said = Client.of(facts_file).get(f"recordings/{number}")
    video = next((file for file in said["files"] if file["kind"] == "video"), None)
    if video is None:
        fail(f"Recording {number} has no file that plays: {said['fault'] or said['state']}.")
    if video["url"] is None:
        remedy = f"headend-ctl recordings restore {number} brings it back to {said['host']}."
        fail(f"Recording {number} is not to be had by a URL now (it is {said['state']}). {remedy}")
    target = to or Path(video["name"])
    download = Download(url=video["url"], target=target, bytes=video["bytes"], sha256=video["sha256"])
    try:
        download.check_target(force)
        with typer.progressbar(length=video["bytes"], label=target.name, file=typer.get_text_stream("stderr")) as bar:
            download.run(bar.update)
    except DownloadError as error:
        fail(str(error))
    show({"file": str(target), "bytes": video["bytes"], "sha256": video["sha256"]}, ("file", "bytes"), as_json=as_json)


@app.command("restore")
def restore(number: Number, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Bring its files back to the disk of its host."""
    said = Client.of(facts_file).post(f"recordings/{number}/restore")
    show(said, (*COLUMNS[:3], "restore_asked_at"), as_json=as_json)


@app.command("delete")
def delete(
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Remove it, on its host and in the store. Nobody can watch it from that moment on."""
    if not yes and not typer.confirm(f"Remove recording {number}, here and in the store?"):
        fail("Nothing was removed. Say it with --yes where nobody is there to answer.")
    said = Client.of(facts_file).remove(f"recordings/{number}")
    show(said, (*COLUMNS[:3], "removal_asked_at"), as_json=as_json)


@app.command("hold")
def hold(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why; it is shown to whoever wants to remove it.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Legal hold: nothing of it is removed until it is released."""
    said = Client.of(facts_file).post(f"recordings/{number}/hold", {"reason": reason})
    show(said, (*COLUMNS[:3], "held_at", "held_by", "hold_reason"), as_json=as_json)


@app.command("release")
def release(number: Number, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """End a legal hold."""
    show(Client.of(facts_file).post(f"recordings/{number}/release"), (*COLUMNS[:3], "held_at"), as_json=as_json)


@app.command("status")
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show how the archive gets on, until nothing waits.")] = False,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show the archiver of each host, and how much is still to be done."""
    client = Client.of(facts_file)
    if watch:
        _watch(client)
    said = client.get("recordings/status")
    if not as_json:
        states = ", ".join(f"{count} {state}" for state, count in said["recordings"].items() if count)
        typer.echo(f"{states or 'no recordings'}; mode {said['mode']}, replay {said['replay']}")
        typer.echo(f"{said['local_bytes']} bytes on disks, {said['waiting_bytes']} to be archived")
    show(said if as_json else said["archivers"], ARCHIVERS, as_json=as_json)


def _watch(client: Client) -> None:
    """A bar of what waits at the moment; what is recorded meanwhile makes it longer."""
    said = client.get("recordings/status")
    done_before = said["waiting_bytes"] - said["waiting_sent_bytes"]
    with typer.progressbar(length=max(1, done_before), label="archive", file=typer.get_text_stream("stderr")) as bar:
        while _is_busy(said):
            left = said["waiting_bytes"] - said["waiting_sent_bytes"]
            bar.length = max(int(bar.length or 1), left)
            bar.update(max(0, int(bar.length) - left - bar.pos))
            time.sleep(WATCH_SECONDS)
            said = client.get("recordings/status")
        bar.update(max(0, int(bar.length or 1) - bar.pos))


def _is_busy(said: dict[str, Any]) -> bool:
    counts = said["recordings"]
    return bool(said["mode"] == "archive" and (counts["closed"] or counts["finished"] or said["waiting_bytes"]))
