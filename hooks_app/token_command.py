"""`headend-token`: bearer tokens of the API, made on the host. There is no token before the first one is made here."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hooks_app.audit import note, on_host
from hooks_app.facts_file import FACTS
from hooks_app.key_desk import Desk, Facts, Json, fail, open_desk, when
from hooks_app.roles import Role
from hooks_app.tables import ApiTokenRow, OwnerRow
from hooks_app.tokens import Tokens

app = typer.Typer(
    help="Bearer tokens of the API.", add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)


@app.command()
def add(
    role: Annotated[Role, typer.Option(help="What it may; each role may what the ones before it may.")],
    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this owner's streams, keys and events.")
    ] = None,
    label: Annotated[str, typer.Option(help="Whose token it is, for people; up to 80 characters.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it expires: 30d, 12h or a time with its zone.")
    ] = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Make a token and print it, this once."""
    with open_desk(facts_file) as desk:
        if len(label) > 80:
            fail(f"label: {len(label)} characters. Use up to 80.")
        expires_at = desk.expiry(expires) if expires is not None else None
        with desk.database.write() as db:
            if owner is not None and db.get(OwnerRow, owner) is None:
                fail(f"{owner!r}: no such owner. A stream of the spec names it, or POST /owners makes it.")
            row, text = _tokens(desk).add(db, role=role, label=label, owner=owner, expires_at=expires_at)
            now, detail = desk.clock.now(), {"role": role.value, "label": label}
            note(db, actor=on_host(), action="token.add", target=row.token_id, owner=owner, now=now, **detail)
            token_id = row.token_id
    if as_json:
        typer.echo(json.dumps({"token_id": token_id, "role": role.value, "owner": owner, "token": text}))
        return
    typer.echo(f"token id  {token_id}   (public: for `headend-token revoke {token_id}`)")
    typer.echo(f"token     {text}")
    typer.echo("It is shown this once. Send it as: Authorization: Bearer TOKEN")


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="Public id of the token.")],
    as_json: Json = False,
    facts_file: Facts = FACTS,
) -> None:
    """Stop a token, from now on."""
    with open_desk(facts_file) as desk, desk.database.write() as db:
        row = _tokens(desk).revoke(db, token_id)
        if row is None:
            fail(f"{token_id}: no such token. `headend-token list` shows the ids.")
        now = desk.clock.now()
        note(db, actor=on_host(), action="token.revoke", target=token_id, owner=row.owner, now=now)
    typer.echo(json.dumps({"token_id": token_id, "revoked": True}) if as_json else f"{token_id} is revoked.")


@app.command("list")
def list_tokens(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show tokens, without their texts."""
    with open_desk(facts_file) as desk:
        rows, now = _tokens(desk).all(), desk.clock.now()
    if as_json:
        typer.echo(json.dumps([_as_json(row) for row in rows]))
        return
    for row in rows:
        is_over = row.expires_at is not None and row.expires_at < now
        standing = "revoked" if row.revoked_at else "expired" if is_over else "active"
        typer.echo(f"{row.token_id}  {row.role}  {row.owner or 'all owners'}  {standing}  {row.label}".rstrip())


def _tokens(desk: Desk) -> Tokens:
    return Tokens(desk.database, desk.clock)


def _as_json(row: ApiTokenRow) -> dict[str, str | None]:
    return {
        "token_id": row.token_id,
        "role": row.role,
        "owner": row.owner,
        "label": row.label,
        "created_at": when(row.created_at),
        "expires_at": when(row.expires_at),
        "last_used_at": when(row.last_used_at),
        "revoked_at": when(row.revoked_at),
    }


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
