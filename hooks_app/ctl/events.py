"""`headend-ctl event`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hooks_app.ctl.client import Client
from hooks_app.ctl.options import Facts, Json, Limit, StreamOption
from hooks_app.ctl.table import show
from hooks_app.facts_file import FACTS

COLUMNS = ("id", "slug", "state", "starts_at", "ends_at", "title")
Number = Annotated[int, typer.Argument(metavar="ID", help="Of the event.")]
Start = Annotated[str, typer.Option(metavar="TIME", help="RFC 3339 with its offset: 2026-12-01T20:00:00+01:00.")]
End = Annotated[str, typer.Option(metavar="TIME", help="Likewise, later.")]

app = typer.Typer(help="Planned broadcasts.", no_args_is_help=True)


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="Public name of the stream.")],
    title: Annotated[str, typer.Option(help="What viewers read.")],
    start: Start,
    end: End,
    description: Annotated[str, typer.Option(help="More of it.")] = "",
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Plan a broadcast."""
    body = {"slug": slug, "title": title, "starts_at": start, "ends_at": end, "description": description}
    show(Client.of(facts_file).post("events", body), COLUMNS, as_json=as_json)


@app.command("list")
def list_events(
    stream: StreamOption = None,
    state: Annotated[str | None, typer.Option(help="Only in this state, e.g. scheduled.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show events, the one that was planned last first."""
    found = Client.of(facts_file).items("events", limit, stream=stream, state=state)
    show(found, COLUMNS, as_json=as_json)


@app.command("show")
def show_event(event_id: Number, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show one event, with the destinations that it switches on or off and its recordings."""
    show(Client.of(facts_file).get(f"events/{event_id}"), (*COLUMNS, "plan.destinations", "recap_url"), as_json=as_json)


@app.command("change")
def change(
    event_id: Number,
    title: Annotated[str | None, typer.Option(help="What viewers read.")] = None,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339 with its offset.")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Likewise, later.")] = None,
    description: Annotated[str | None, typer.Option(help="More of it.")] = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Change what is named; what is not stays."""
    given: dict[str, Any] = {"title": title, "starts_at": start, "ends_at": end, "description": description}
    changes = {name: value for name, value in given.items() if value is not None}
    show(Client.of(facts_file).change(f"events/{event_id}", changes), COLUMNS, as_json=as_json)


@app.command("cancel")
def cancel(event_id: Number, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """A planned broadcast will not be."""
    show(Client.of(facts_file).post(f"events/{event_id}/cancel"), COLUMNS, as_json=as_json)
