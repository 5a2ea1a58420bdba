"""`headend-key`: makes, lists and revokes stream keys on the host. A secret is printed once, here, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts
from hooks_app.clock import SystemClock
from hooks_app.database import Database
from hooks_app.facts_file import FACTS, FactsError, load_facts
from hooks_app.keys import KeyRing, KeyView

app = typer.Typer(
    help="Stream keys of this origin.", add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)

Facts = Annotated[Path, typer.Option("--facts", help="Rendered facts of the hook app.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="Public name of the stream.")]


@app.command()
def add(
    slug: SlugArgument,
    label: Annotated[str, typer.Option(help="Whose key it is, for people; up to 80 characters.")] = "",
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Make a stream key and print its secret, once."""
    with _keys(facts_file) as (facts, keys):
        _require_declared(facts, slug)
        if len(label) > 80:
            _fail(f"label: {len(label)} characters. Use up to 80.")
        key_id, secret = keys.add(slug, label)
    if as_json:
        typer.echo(json.dumps({"slug": slug, "key_id": key_id, "key": secret}))
        return
    typer.echo(f"key id       {key_id}   (public: for `headend-key revoke {key_id}`)")
    typer.echo(f"stream name  {slug}?key={secret}")
    typer.echo("This is the only time the key is shown.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Public id of the key.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Stop admitting a key. A publisher that is on air with it stays until it leaves."""
    with _keys(facts_file) as (_facts, keys):
        if not keys.revoke(key_id):
            _fail(f"{key_id}: no such key. `headend-key list` shows the ids.")
    typer.echo(json.dumps({"key_id": key_id, "revoked": True}) if as_json else f"{key_id} is revoked.")


@app.command("list")
def list_keys(
    slug: Annotated[str | None, typer.Argument(metavar="[SLUG]", help="Only this stream's keys.")] = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show keys; secrets are not stored and cannot be shown."""
    with _keys(facts_file) as (facts, keys):
        if slug is not None:
            _require_declared(facts, slug)
        views = keys.list(slug)
    if as_json:
        typer.echo(json.dumps([_as_json(view) for view in views]))
        return
    for view in views:
        state = f"revoked {view.revoked_at:%Y-%m-%d %H:%M}" if view.revoked_at else "active"
        made = f"made {view.created_at:%Y-%m-%d %H:%M}"
        typer.echo(f"{view.key_id}  {view.slug}  {made}  {state}  {view.label}".rstrip())


@contextmanager
def _keys(facts_file: Path) -> Iterator[tuple[HookFacts, KeyRing]]:
    try:
        facts = load_facts(facts_file)
        database = Database(facts.database_url)
        yield facts, KeyRing(database, SystemClock())
        database.close()
    except FactsError as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        fault = getattr(error, "orig", error)
        _fail(f"{facts.database_url}: {fault}. Is headend-hooks.service running, and are you its user?")


def _require_declared(facts: HookFacts, slug: str) -> None:
    slugs = [stream.slug for stream in facts.streams]
    if slug not in slugs:
        _fail(f"{slug!r}: no such stream on this origin. Streams: {', '.join(slugs)}.")


def _fail(line: str) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(1)


def _as_json(view: KeyView) -> dict[str, str | None]:
    return {
        "slug": view.slug,
        "key_id": view.key_id,
        "label": view.label,
        "created_at": view.created_at.isoformat(),
        "revoked_at": view.revoked_at.isoformat() if view.revoked_at else None,
    }


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
