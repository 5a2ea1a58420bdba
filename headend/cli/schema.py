"""`headend schema`: the JSON Schema for editors, and the reference page that is generated with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headend.cli.output import AsJson, Code, print_json, stop
from headend.reference import reference_text
from headend.schema import schema_text, webhook_schema_text

SCHEMA = Path("specs/headend.schema.json")
REFERENCE = Path("docs/reference.md")
WEBHOOK = Path("docs/webhook.schema.json")
FILES = f"{SCHEMA}, {REFERENCE} and {WEBHOOK}"


def schema(
    check: Annotated[
        bool, typer.Option("--check", help=f"Compare {SCHEMA}, {REFERENCE} and {WEBHOOK} with the model.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help=f"Write {SCHEMA}, {REFERENCE} and {WEBHOOK}.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema of a spec, or keep the generated files equal to the model."""
    if check and write:
        stop(Code.USAGE, "Use --check or --write, not both.", as_json=as_json)
    if not check and not write:
        typer.echo(schema_text(), nl=False)
        return
    generated = {SCHEMA: schema_text(), REFERENCE: reference_text(), WEBHOOK: webhook_schema_text()}
    try:
        differing = [str(path) for path, wanted in generated.items() if not same(path, wanted)]
        if write:
            for path, wanted in generated.items():
                path.write_text(wanted, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        stop(Code.FILE, f"{error.filename}: {reason}. Run this in the checkout.", as_json=as_json)
    if check and differing:
        message = f"{', '.join(differing)}: differs from the model. Run 'headend schema --write'."
        stop(Code.FAULTS, message, as_json=as_json, differing=differing)
    if as_json:
        print_json({"ok": True, "differing": [], "written": differing if write else []})
    else:
        typer.echo("\n".join(f"{path}: {'written' if write else 'ok'}" for path in generated))


def same(path: Path, wanted: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == wanted
