"""`headend-key`: makes, rotates, lists and revokes stream keys on the host, and prints URLs for encoders."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hooks_app.facts_file import FACTS
from hooks_app.key_desk import Facts, Json, MasterFd, SlugArgument, fail, open_desk, when
from hooks_app.keys import KeyView
from hooks_app.session_command import sessions
from hooks_app.url_command import encrypted_url, rtmp_url, srt_url

app = typer.Typer(
    help="Stream keys of this origin.", add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)


@app.command()
def add(
    slug: SlugArgument,
    label: Annotated[str, typer.Option(help="Whose key it is, for people; up to 80 characters.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it expires: 30d, 12h or a time with its zone.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="If two keys are active, revoke the older one. Who is on air with it is cut."),
    ] = False,
    as_json: Json = False,
    facts_file: Facts = FACTS,
    master_fd: MasterFd = None,
) -> None:
    """Make a stream key and print its secret. A stream has two active keys at most: one in use, one to move to."""
    with open_desk(facts_file, master_fd) as desk:
        stream = desk.stream(slug)
        if len(label) > 80:
            fail(f"label: {len(label)} characters. Use up to 80.")
        expires_at = desk.expiry(expires) if expires is not None else None
        with desk.database.write() as db:
            key, secret = desk.keys.add(db, slug, label, expires_at, replace)
            desk.note(db, "key.add", key, label=label, replace=replace)
        desk.tell_srt()
        url = encrypted_url(desk, stream, key)
    _show_secret(key, secret, url, as_json)


@app.command()
def rotate(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Public id of the key.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
    master_fd: MasterFd = None,
) -> None:
    """Make a key like this one and print its secret. This one goes on for a day."""
    with open_desk(facts_file, master_fd) as desk:
        with desk.database.write() as db:
            key, secret = desk.keys.rotate(db, key_id)
            desk.note(db, "key.rotate", key, rotated=key_id)
        desk.tell_srt()
        # Of a stream that left the spec there is no URL.
        stream = desk.streams.get(key.slug)
        url = encrypted_url(desk, stream, key) if stream is not None else None
    _show_secret(key, secret, url, as_json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Public id of the key.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Stop admitting a key. Whoever is on air with it is cut within two seconds."""
    with open_desk(facts_file) as desk:
        with desk.database.write() as db:
            key = desk.keys.revoke(db, key_id)
            if key is None:
                fail(f"{key_id}: no such key. `headend-key list` shows the ids.")
            desk.note(db, "key.revoke", key)
        desk.tell_srt()
    typer.echo(json.dumps({"key_id": key_id, "revoked": True}) if as_json else f"{key_id} is revoked.")


@app.command("list")
def list_keys(
    slug: Annotated[str | None, typer.Argument(metavar="[SLUG]", help="Only this stream's keys.")] = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Show keys, without their secrets."""
    with open_desk(facts_file) as desk:
        if slug is not None:
            desk.stream(slug)
        views, now = desk.keys.list(slug), desk.clock.now()
    if as_json:
        typer.echo(json.dumps([_as_json(view) for view in views]))
        return
    for view in views:
        made = f"made {view.created_at:%Y-%m-%d %H:%M}"
        typer.echo(f"{view.key_id}  {view.slug}  {made}  {view.standing(now)}  {view.label}".rstrip())


app.command("srt-url")(srt_url)
app.command("rtmp-url")(rtmp_url)
app.command("sessions")(sessions)


def _show_secret(key: KeyView, secret: str, url: str | None, as_json: bool) -> None:
    if as_json:
        made = {"slug": key.slug, "key_id": key.key_id, "key": secret}
        typer.echo(json.dumps({**made, "srt_url": url} if url else made))
        return
    typer.echo(f"key id       {key.key_id}   (public: for `headend-key revoke {key.key_id}`)")
    typer.echo(f"stream name  {key.slug}?key={secret}")
    if url:
        typer.echo(f"SRT URL      {url}")
    typer.echo(f"`headend-key rtmp-url` and `srt-url {key.slug} --key {key.key_id}` show it again.")


def _as_json(view: KeyView) -> dict[str, str | None]:
    return {
        "slug": view.slug,
        "key_id": view.key_id,
        "label": view.label,
        "created_at": view.created_at.isoformat(),
        "expires_at": when(view.expires_at),
        "revoked_at": when(view.revoked_at),
    }


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
