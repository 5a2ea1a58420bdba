"""The command line itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from hooks_app.ctl import announce, events, keys, recordings, schedules
from hooks_app.ctl.client import Client, fail, token_file
from hooks_app.ctl.options import Facts, Json, Limit, StreamOption
from hooks_app.ctl.table import show
from hooks_app.facts_file import FACTS

BACKUP_COMMAND = "headend-backup"

app = typer.Typer(
    help="Runs this origin: what is on air, what is planned, who may publish.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(announce.app, name="announce")
app.add_typer(events.app, name="event")
app.add_typer(schedules.app, name="schedule")
app.add_typer(keys.app, name="key")
app.add_typer(recordings.app, name="recordings")


@app.command()
def login() -> None:
    """Keep a token for this user: reads it from standard input, so that it is in no argument and no history."""
    text = typer.prompt("token", hide_input=True) if os.isatty(0) else typer.get_text_stream("stdin").readline()
    path = token_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii", errors="replace") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text.strip() + "\n")
    except OSError as error:
        fail(f"{path}: {error.strerror}.")
    typer.echo(f"kept in {path}")


@app.command()
def status(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show every stream: its state, since when, and what is next."""
    streams = Client.of(facts_file).get("streams")["streams"]
    columns = ("slug", "state", "since", "session.protocol", "event.title", "next_event.starts_at", "title")
    show(streams, columns, as_json=as_json)


@app.command()
def live(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show what is on air, with its addresses."""
    show(Client.of(facts_file).get("live")["live"], ("slug", "state", "live_at", "title", "watch"), as_json=as_json)


@app.command()
def watch(stream: StreamOption = None, facts_file: Facts = FACTS) -> None:
    """Follow the changes of state as they happen, one JSON document a line; Ctrl-C ends it."""
    Client.of(facts_file).follow(typer.echo, stream)


@app.command()
def sessions(stream: StreamOption = None, limit: Limit = 20, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show who was on air, over which protocol, by which key and from where, and why it ended."""
    found = Client.of(facts_file).items("sessions", limit, stream=stream)
    columns = ("id", "slug", "state", "started_at", "seconds", "protocol", "key_id", "peer", "interruptions", "reason")
    show(found, columns, as_json=as_json)


@app.command()
def kick(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="Public name of the stream.")],
    reason: Annotated[str, typer.Option(help="For the session's record; up to 60 characters.")] = "",
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """End what is on air, without a reconnect grace; nobody is let in for half a minute."""
    done = Client.of(facts_file).post(f"streams/{slug}/kick", {"reason": reason})
    show(done, ("kicked",), as_json=as_json)


@app.command()
def doctor(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Say what of the control app works: exit status 1 if anything does not."""
    client = Client.of(facts_file)
    root = Client(client.base.removesuffix("/api/v1"))
    parts = root.get("readyz")
    streams = client.get("streams")["streams"]
    faults = {stream["slug"]: stream["fault"]["reason"] for stream in streams if stream["fault"]}
    report = [{"part": name, "works": works, "detail": None} for name, works in parts.items()]
    report += [{"part": f"stream {slug}", "works": False, "detail": reason} for slug, reason in faults.items()]
    show(report, ("part", "works", "detail"), as_json=as_json)
    if faults:
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def backup(context: typer.Context) -> None:
    """Take a backup now, list or check them: what `headend-backup` does. Needs root."""
    verb, *more = context.args if context.args and not context.args[0].startswith("-") else ["run", *context.args]
    # The wrapper of the command runs it in another folder.
    _backup([verb, *(str(Path(one).absolute()) if not one.startswith("-") else one for one in more)])


@app.command()
def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")], as_json: Json = False) -> None:
    """Put a backup in the place of the database; stop headend-hooks, -announce and -archive first. Needs root."""
    _backup(["restore", str(file.absolute()), *(["--json"] if as_json else [])])


def _backup(arguments: list[str]) -> None:
    try:
        raise typer.Exit(subprocess.run([BACKUP_COMMAND, *arguments]).returncode)
    except FileNotFoundError:
        fail(f"{BACKUP_COMMAND}: not on this host. A deploy of the control role places it.")


def main() -> None:
    """Entry point."""
    app()
