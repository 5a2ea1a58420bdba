"""`headend-ctl key`."""

from __future__ import annotations

from typing import Annotated

import typer

from hooks_app.ctl.client import Client
from hooks_app.ctl.options import Facts, Json, Limit, StreamOption
from hooks_app.ctl.table import show
from hooks_app.facts_file import FACTS

COLUMNS = ("key_id", "slug", "state", "gate", "expires_at", "last_used_at", "label")
WITH_SECRET = ("key_id", "slug", "stream_key")
KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="Public id of the key.")]

app = typer.Typer(help="Stream keys.", no_args_is_help=True)


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="Public name of the stream.")],
    label: Annotated[str, typer.Option(help="Whose key it is, for people.")] = "",
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339 with its offset.")] = None,
    events_only: Annotated[bool, typer.Option("--events-only", help="Lets in only around events.")] = False,
    event: Annotated[int | None, typer.Option(help="Lets in only around this event.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="If two are active, revoke the older one.")] = False,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Make a key and print its secret, this once."""
    gate = "events" if events_only or event is not None else "always"
    body = {
        "slug": slug,
        "label": label,
        "expires_at": expires,
        "gate": gate,
        "event_id": event,
        "replace": replace,
    }
    show(Client.of(facts_file).post("keys", body), WITH_SECRET, as_json=as_json)


@app.command("rotate")
def rotate(key_id: KeyId, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Make a key like this one, which goes on for a day; print the new secret, this once."""
    show(Client.of(facts_file).post(f"keys/{key_id}/rotate"), WITH_SECRET, as_json=as_json)


@app.command("revoke")
def revoke(key_id: KeyId, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Let nobody in by it any more; what is on air by it ends within two seconds."""
    show(Client.of(facts_file).post(f"keys/{key_id}/revoke"), COLUMNS, as_json=as_json)


@app.command("list")
def list_keys(
    stream: StreamOption = None, limit: Limit = 5000, as_json: Json = False, facts_file: Facts = FACTS
) -> None:
    """Show keys, without their secrets, by stream and age."""
    show(Client.of(facts_file).items("keys", limit, stream=stream), COLUMNS, as_json=as_json)
