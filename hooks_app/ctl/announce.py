"""`headend-ctl announce`."""

from __future__ import annotations

from typing import Annotated

import typer

from hooks_app.ctl.client import Client
from hooks_app.ctl.options import Facts, Json, Limit, StreamOption
from hooks_app.ctl.table import show
from hooks_app.facts_file import FACTS

COLUMNS = ("id", "destination", "occasion", "slug", "state", "made_at", "finished_at", "attempts", "repeated", "reason")
PLACES = ("name", "kind", "queued", "dead", "broken_reason", "hold_until", "muted_until")
Name = Annotated[str, typer.Argument(metavar="DESTINATION", help="As the spec names it.")]
PlaceOption = Annotated[str | None, typer.Option("--destination", metavar="NAME", help="Only there.")]

app = typer.Typer(help="What the audience is told, and where.", no_args_is_help=True)


@app.command("status")
def status(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show the switch and every destination."""
    said = Client.of(facts_file).get("announcements")
    if not as_json:
        typer.echo(f"{'on' if said['on'] else 'OFF'}, mode {said['mode']}, last turn {said['turned_at'] or 'never'}")
    show(said if as_json else said["places"], PLACES, as_json=as_json)


@app.command("queue")
def queue(destination: PlaceOption = None, limit: Limit = 20, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show what is still to be sent."""
    found = Client.of(facts_file).items("announcements/messages", limit, state="queued", destination=destination)
    show(found, COLUMNS, as_json=as_json)


@app.command("history")
def history(
    stream: StreamOption = None,
    destination: PlaceOption = None,
    event: Annotated[int | None, typer.Option(help="Only of this event.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show what was told, the newest first."""
    query = {"stream": stream, "destination": destination, "event": event}
    show(Client.of(facts_file).items("announcements/messages", limit, **query), COLUMNS, as_json=as_json)


@app.command("replay")
def replay(
    message_id: Annotated[int, typer.Argument(metavar="ID", help="Of the message.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Send a message once more."""
    show(Client.of(facts_file).post(f"announcements/messages/{message_id}/replay"), COLUMNS, as_json=as_json)


@app.command("mute")
def mute(
    name: Name,
    minutes: Annotated[int, typer.Argument(min=0, max=43_200, help="From now on; 0: no longer.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Tell nothing there for a while."""
    said = Client.of(facts_file).post(f"announcements/places/{name}/mute", {"minutes": minutes})
    show(said, PLACES, as_json=as_json)


@app.command("mend")
def mend(name: Name, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Try again at a place that was broken."""
    show(Client.of(facts_file).post(f"announcements/places/{name}/mend"), PLACES, as_json=as_json)


@app.command("off")
def off(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """The kill switch: nothing goes out any more, anywhere."""
    _switch(False, as_json, facts_file)


@app.command("on")
def on(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Let it go out again; what has become too late meanwhile is dropped."""
    _switch(True, as_json, facts_file)


def _switch(on: bool, as_json: bool, facts_file: Facts) -> None:
    said = Client.of(facts_file).set("announcements/switch", {"on": on})
    if as_json:
        show(said, PLACES, as_json=True)
    else:
        typer.echo("on" if said["on"] else "off")
