"""`headend-backup`: backups of the database, by a timer and by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from hooks_app.backup import Backup, BackupError, listed, restore, sqlite_path, take, verify
from hooks_app.facts_file import FACTS, FactsError, load_facts
from hooks_app.key_desk import Facts, Json, fail, say_aside

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A backup; `headend-backup list` shows them.")]

app = typer.Typer(
    help="Backups of the database.", add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)


@app.command()
def run(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Take a backup now; the timer does it every ten minutes."""
    source, folder = _places(facts_file)
    try:
        backup = take(source, folder, datetime.now(UTC))
    except BackupError as error:
        fail(str(error))
    typer.echo(json.dumps(_as_json(backup)) if as_json else f"{backup.path}  {backup.size_bytes} bytes")


@app.command("list")
def list_backups(as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Show the backups there are, the newest first."""
    _, folder = _places(facts_file)
    backups = listed(folder)
    if as_json:
        typer.echo(json.dumps([_as_json(backup) for backup in backups]))
        return
    for backup in backups:
        typer.echo(f"{backup.path}  {backup.size_bytes} bytes")


@app.command("verify")
def verify_backup(file: FileArgument, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Check a backup from its first page to its last."""
    _check_whole(file)
    try:
        verify(file)
    except BackupError as error:
        fail(str(error))
    typer.echo(json.dumps({"file": str(file), "ok": True}) if as_json else f"{file}: whole.")


@app.command("restore")
def restore_backup(file: FileArgument, as_json: Json = False, facts_file: Facts = FACTS) -> None:
    """Put a backup in the place of the database. Nobody may use it meanwhile; what was there is kept aside."""
    _check_whole(file)
    target, _ = _places(facts_file)
    try:
        aside = restore(file, target, datetime.now(UTC))
    except BackupError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "aside": str(aside) if aside else None}))
        return
    typer.echo(f"{target} is {file.name} now." + (f" What was there: {aside}." if aside else ""))
    typer.echo("Start what uses it: systemctl start headend-hooks headend-announce headend-archive")


def _check_whole(file: Path) -> None:
    if not file.is_absolute():
        fail(f"{file}: say the whole path, from / on: this command runs in another folder.")


def _places(facts_file: Path) -> tuple[Path, Path]:
    try:
        facts = load_facts(facts_file)
    except FactsError as error:
        fail(str(error))
    path = sqlite_path(facts.database_url)
    if path is None:
        _not_ours()
    return path, Path(facts.backup_dir)


def _not_ours() -> NoReturn:
    say_aside("This origin's database is a PostgreSQL server: back it up there, with pg_dump or by archiving.")
    # No fault: the timer runs wherever the hook app does.
    raise typer.Exit(0)


def _as_json(backup: Backup) -> dict[str, str | int]:
    return {"file": str(backup.path), "bytes": backup.size_bytes}


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
