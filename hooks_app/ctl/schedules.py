"""`headend-ctl schedule`."""

from __future__ import annotations

from typing import Annotated

import typer

from hooks_app.ctl.client import Client
from hooks_app.ctl.options import Facts, Json, Limit, StreamOption
from hooks_app.ctl.table import show
from hooks_app.facts_file import FACTS

COLUMNS = ("id", "slug", "starts_local", "time_zone", "duration_seconds", "rrule", "cancelled_at", "title")
Number = Annotated[int, typer.Argument(metavar="ID", help="Of the schedule.")]

app = typer.Typer(help="When streams are to be on air, again and again.", no_args_is_help=True)


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="Public name of the stream.")],
    title: Annotated[str, typer.Option(help="What viewers read.")],
    start: Annotated[str, typer.Option(metavar="TIME", help="First start, local: 2026-12-01T20:00:00.")],
    zone: Annotated[str, typer.Option(help="IANA name of the zone: Europe/Berlin.")],
    minutes: Annotated[int, typer.Option(min=1, max=20_160, help="Length of each window.")],
    rule: Annotated[str | None, typer.Option(metavar="RRULE", help="FREQ=WEEKLY;BYDAY=TU,TH. Without: once.")] = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Make a schedule, and the events of its next two weeks."""
    body = {
        "slug": slug,
        "title": title,
        "starts_local": start,
        "time_zone": zone,
        "duration_seconds": minutes * 60,
        "rrule": rule,
    }
    show(Client.of(facts_file).post("schedules", body), COLUMNS, as_json=as_json)


@app.command("list")
def list_schedules(
    stream: StreamOption = None, limit: Limit = 20, as_json: Json = False, facts_file: Facts = FACTS
) -> None:
    """Show schedules, the newest first."""
    show(Client.of(facts_file).items("schedules", limit, stream=stream), COLUMNS, as_json=as_json)


@app.command("skip")
def skip(
    schedule_id: Number,
    start: Annotated[str, typer.Argument(metavar="TIME", help="The start that is left out, local time.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Leave out one start."""
    path = f"schedules/{schedule_id}"
    show(Client.of(facts_file).put(f"{path}/exceptions/{start}", path), COLUMNS, as_json=as_json)


@app.command("cancel")
def cancel(schedule_id: Number, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """There will be no more events; those that are planned are cancelled."""
    show(Client.of(facts_file).post(f"schedules/{schedule_id}/cancel"), COLUMNS, as_json=as_json)
