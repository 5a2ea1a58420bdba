"""`headend-key sessions`: who came to a stream, how, by which key and from where."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from hooks_app.facts_file import FACTS
from hooks_app.key_desk import Facts, Json, SlugArgument, open_desk, when
from hooks_app.session_view import SessionView


def sessions(
    slug: SlugArgument,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, at most.")] = 20,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show a stream's sessions, newest first: by which protocol and key, from where, when, and why they ended."""
    with open_desk(facts_file) as desk:
        desk.stream(slug)
        views = desk.ledger.history(slug, limit)
    if as_json:
        typer.echo(json.dumps([_as_json(view) for view in views]))
        return
    for view in views:
        who = view.publisher
        how = f"{who.protocol.value} {who.mode}" if who.mode else who.protocol.value
        times = f"{_time(view.started_at)}  live {_time(view.live_at)}  ended {_time(view.ended_at)}"
        typer.echo(
            f"{view.id}  {times}  {how}  key {who.key_id or '-'}  {who.peer or '-'}  {view.reason or ''}".rstrip()
        )


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "-"


def _as_json(view: SessionView) -> dict[str, str | int | None]:
    return {
        "id": view.id,
        "slug": view.slug,
        "state": view.state.value,
        "protocol": view.publisher.protocol.value,
        "mode": view.publisher.mode,
        "key_id": view.publisher.key_id,
        "peer": view.publisher.peer,
        "started_at": when(view.started_at),
        "admitted_at": when(view.admitted_at),
        "live_at": when(view.live_at),
        "ended_at": when(view.ended_at),
        "reason": view.reason,
    }
